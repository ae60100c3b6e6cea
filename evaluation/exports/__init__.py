"""Results for other programs: tables, Every Eval Ever records, and results for the Hub."""
