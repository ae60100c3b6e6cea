// The files with samples: they are scripts, because a page opened as a file may read nothing else.
// Each calls takeSamples once with a string of JSON. A trusted-types policy lets the page add
// scripts from the addresses of its own cells and from nowhere else.
"use strict";
const sampleFiles = (() => {
  const KEPT = 24;
  const ADDRESS = /^samples(\/[A-Za-z0-9_][A-Za-z0-9_.-]*){2}\/(index|\d{3,})\.js$/;
  const tier = JSON.parse(document.getElementById("tier-data").textContent);
  const name = (number) => `${String(number).padStart(3, "0")}.js`;

  const known = new Set();
  for (const cell of tier.cells) {
    if (cell.files === null) continue;
    known.add(`${cell.folder}/index.js`);
    for (let n = 0; n < cell.files; n += 1) known.add(`${cell.folder}/${name(n)}`);
  }
  const check = (address) => {
    if (known.has(address) && ADDRESS.test(address)) return address;
    throw new TypeError(`${address} is no file of this report`);
  };
  const rules = { createScriptURL: check };
  const policy = window.trustedTypes ? window.trustedTypes.createPolicy("samples", rules) : rules;

  const texts = new WeakMap();
  window.takeSamples = (text) => {
    if (document.currentScript) texts.set(document.currentScript, String(text));
  };

  const read = (address) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const end = (value, fault) => {
      script.remove();
      if (fault) reject(new Error(fault)); else resolve(value);
    };
    script.addEventListener("load", () => {
      try {
        end(JSON.parse(texts.get(script)));
      } catch {
        end(null, `${address} is damaged. Make the report again.`);
      }
    });
    script.addEventListener("error", () => {
      end(null, `${address} is not there. This page needs the folder “samples” beside it.`);
    });
    script.src = policy.createScriptURL(address);
    document.head.append(script);
  });

  // Lists stay, of the files with samples the latest: a Map keeps the order in which it is filled.
  const lists = new Map();
  const latest = new Map();
  const load = (kept, address, most) => {
    const found = kept.get(address) ?? read(address);
    kept.delete(address);
    kept.set(address, found);
    found.catch(() => kept.delete(address));
    if (kept.size > most) kept.delete(kept.keys().next().value);
    return found;
  };

  return {
    tier,
    // The rows of a cell.
    rows: (cell) => load(lists, `${cell.folder}/index.js`, Infinity),
    // The samples in one of a cell's files.
    samples: (cell, number) => load(latest, `${cell.folder}/${name(number)}`, KEPT),
  };
})();
