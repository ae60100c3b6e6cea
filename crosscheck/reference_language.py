"""Language data that the reference's IFEval needs, without a download.

NLTK would fetch the parameters of its sentence splitter. A package carries the same parameters in
a form of its own; they are written in NLTK's form into a folder that NLTK then looks into.
"""

from __future__ import annotations

import os
from pathlib import Path


def provide(folder: Path) -> None:
    """Write the splitter's parameters below `folder` and make this process use them.

    Must come before `nltk` is imported. Language detection is seeded: it draws at random.
    """
    os.environ["NLTK_DATA"] = str(folder)
    folder.mkdir(parents=True, exist_ok=True)
    import langdetect
    import punkt
    from nltk.tokenize.punkt import PunktParameters, save_punkt_params

    langdetect.DetectorFactory.seed = 0
    learned, parameters = punkt.load_model("english"), PunktParameters()
    for name in ("abbrev_types", "collocations", "sent_starters", "ortho_context"):
        getattr(parameters, name).update(getattr(learned, name))
    place = folder / "tokenizers" / "punkt_tab" / "english"
    place.parent.mkdir(parents=True, exist_ok=True)
    save_punkt_params(parameters, str(place))
