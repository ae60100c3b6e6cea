// One sample as elements. Text is only ever set as text; nothing is parsed as HTML.
"use strict";
const sampleView = (() => {
  const CUT = 20000;

  const make = (tag, className, ...content) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...content);
    return element;
  };
  // Elements in a line, with a space where the line may break.
  const spaced = (elements) => elements.flatMap((one) => [one, " "]);
  const isolated = (text) => make("bdi", "", text);
  const button = (text, press) => {
    const element = make("button", "", text);
    element.type = "button";
    element.addEventListener("click", press);
    return element;
  };

  // A long text in blocks that are laid out when they are scrolled to: a browser takes seconds for
  // a line of a million characters. Blocks end at ends of lines; only longer lines are broken.
  const pieces = (text) => {
    const found = [];
    for (let at = 0; at < text.length;) {
      const line = text.lastIndexOf("\n", at + CUT) + 1;
      let end = Math.min(line > at ? line : at + CUT, text.length);
      if (/[\udc00-\udfff]/.test(text[end] ?? "")) end += 1;
      found.push(make("span", "piece", text.slice(at, end)));
      at = end;
    }
    return found;
  };

  // A box with text; of a long one the beginning, until a button is pressed. With `end` it is the
  // end that is shown first: the question comes after the worked examples.
  const box = (text, label, end = false) => {
    const whole = make("div", "text");
    if (!text) {
      whole.append(make("p", "empty", "(empty)"));
      return whole;
    }
    const pre = make("pre");
    pre.tabIndex = 0;
    pre.setAttribute("role", "group");
    pre.setAttribute("aria-label", label);
    if (end) pre.className = "end";
    whole.append(pre);
    pre.textContent = text;
    if (text.length > CUT + 1000) {
      // Not between the two halves of a character.
      const at = end ? text.length - CUT : CUT;
      const cut = /[\udc00-\udfff]/.test(text[at]) ? at + 1 : at;
      pre.textContent = end ? `…${text.slice(cut)}` : `${text.slice(0, cut)}…`;
      const more = button(`Show all ${text.length.toLocaleString("en")} characters`, () => {
        pre.replaceChildren(...pieces(text));
        more.remove();
        pre.focus();
      });
      more.className = "all";
      if (end) whole.prepend(more); else whole.append(more);
    }
    return whole;
  };

  const part = (title, text) => [make("h4", "", title), box(text, title)];

  const prompt = (turn, which) => {
    const title = `Prompt${which} as sent`;
    const raw = turn.prompt.map(([, text]) => text).join("");
    const heading = make("h4", "", title);
    if (turn.prompt.length < 2) return [heading, box(raw, title, true)];
    const roles = make("div", "messages");
    for (const [role, text] of turn.prompt) {
      if (!role || !text.trim()) continue;
      const who = make("span", "role", role);
      roles.append(make("div", `message ${role}`, who, box(text, `${title}: ${role}`)));
    }
    // The markers of the template are shown in the raw text only.
    const plain = box(raw, `${title}, raw text`);
    plain.hidden = true;
    const turned = button("Raw text", () => {
      const pressed = turned.getAttribute("aria-pressed") !== "true";
      turned.setAttribute("aria-pressed", String(pressed));
      plain.hidden = !pressed;
      roles.hidden = pressed;
    });
    turned.setAttribute("aria-pressed", "false");
    turned.className = "raw";
    return [make("div", "title", heading, turned), roles, plain];
  };

  const folded = (title, content) => {
    const details = make("details", "thinking", make("summary", "", title));
    details.append(...content);
    return details;
  };

  const choices = (turn, which) => {
    const table = make("table", "choices");
    const unknown = " (which one is gold cannot be told from the record)";
    table.createCaption().append(
      make("span", "", `Choices in the order asked${turn.gold_known ? "" : unknown}`));
    const head = table.createTHead().insertRow();
    for (const title of ["Choice", "Text", "Mark", "Log-probability", "Per token", "Tokens"]) {
      const cell = make("th", /^[LPT]o|^P/.test(title) ? "num" : "", title);
      cell.scope = "col";
      head.append(cell);
    }
    const body = table.createTBody();
    turn.choices.forEach((choice, place) => {
      const row = body.insertRow();
      const first = make("th", "", String(place + 1));
      first.scope = "row";
      const marks = make("td");
      if (choice.best) marks.append(make("span", "badge", "highest"), " ");
      if (choice.gold) marks.append(make("span", "badge right", "gold"));
      const text = choice.text
        ? isolated(choice.text) : make("span", "muted", "not recorded");
      row.append(first, make("td", "choice", text), marks,
        make("td", "num", choice.logprob), make("td", "num", choice.per_token),
        make("td", "num", String(choice.tokens)));
    });
    const scroll = make("div", "scroll", table);
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", `Choices${which}`);
    return scroll;
  };

  const facts = (values) =>
    make("p", "meta", ...spaced(values.map((value) => make("span", "", value))));

  const turn = (one) => {
    const which = one.name ? ` ${one.name}` : "";
    const whole = make("div", "turn", ...prompt(one, which));
    if (one.thinking) {
      whole.append(folded(`Thinking${which}`, [box(one.thinking, `Thinking${which}`)]));
    }
    if (one.response || !one.choices) whole.append(...part(`Response${which}`, one.response));
    if (one.choices) whole.append(choices(one, which));
    if (one.error) whole.append(...part(`Error${which}`, one.error));
    whole.append(facts(one.facts));
    return whole;
  };

  const judgment = (one) => {
    const sent = prompt(one, ` to the judge ${one.name}`);
    if (one.thinking) sent.push(...part("Thinking of the judge", one.thinking));
    return make("div", "turn", folded(`What the judge was sent ${one.name}`, sent),
      ...part(`Judgment ${one.name}`, one.error || one.response), facts(one.facts));
  };

  const verdict = (row, symbol) => {
    const badge = make("span", `badge verdict ${row.verdict}`);
    const sign = make("span", "", symbol);
    sign.setAttribute("aria-hidden", "true");
    badge.append(sign, ` ${row.word}`);
    return badge;
  };
  const marks = (row) => (row.marks ?? []).map((mark) => make("span", "badge warn", mark));

  // What an answer was and what was asked for, in one line.
  const short = (row) => {
    if (row.reason) return make("span", "why", isolated(row.reason));
    const line = make("span", "why");
    const answer = row.answer === undefined
      ? make("em", "", "nothing extracted") : isolated(row.answer || "(empty)");
    line.append(make("span", "muted", "answer "), answer);
    if (row.gold) line.append(" ", make("span", "muted", "gold "), isolated(row.gold));
    return line;
  };

  // A sample with its row, its model and dataset; `symbol` is the sign of its verdict.
  const sample = (model, dataset, row, found, symbol) => {
    const link = make("a", "", isolated(model.name));
    link.href = model.page;
    const whole = make("article", "side", make("h3", "model", link,
      make("span", "muted", " on ", isolated(dataset.name))));
    whole.append(make("p", "verdicts", verdict(row, symbol), ...marks(row)));
    if (found.reason) whole.append(...part("Why", found.reason));
    const pair = make("div", "compare");
    const extracted = make("div", "", make("h4", "", "Extracted answer"));
    if (found.extracted === undefined) extracted.append(make("p", "empty", "nothing extracted"));
    else extracted.append(box(found.extracted, "Extracted answer"));
    pair.append(extracted);
    if (found.gold) pair.append(make("div", "", ...part("Gold", found.gold)));
    whole.append(pair);
    if (found.scores) {
      whole.append(make("p", "metrics", ...spaced(found.scores.map(
        ([metric, value]) => make("span", "", make("code", "", metric), ` ${value}`)))));
    }
    whole.append(...(found.turns ?? []).map(turn));
    if (!found.turns) whole.append(make("p", "empty", "no requests were recorded"));
    whole.append(...(found.judgments ?? []).map(judgment));
    return whole;
  };

  return { make, spaced, isolated, verdict, marks, short, sample };
})();
