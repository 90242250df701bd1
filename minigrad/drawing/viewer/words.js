// Words that keep to their places. The engine measured them in Helvetica, and places each piece of a line by itself.

const KNOWN = { words: "neuron 0123", length: 561.6 }; // in Helvetica and in the fonts of its widths, at 100 pixels

// Where the reader's font is wider, squeeze words that would meet the next ones or leave their box.
function squeeze() {
  const probe = drawn(overlay, "text", { "font-family": "Helvetica,sans-Serif", "font-size": 100 }, KNOWN.words);
  if (probe.getComputedTextLength() <= KNOWN.length * 1.01) return;
  for (const id of boxes.keys()) {
    const words = [...parts.get(id).querySelectorAll("text")].filter((word) => word.textContent.trim());
    const places = words.map((word) => word.getBBox());
    const outline = parts.get(id).querySelector("path, polygon, ellipse").getBBox();
    places.forEach(({ x, y, width }, k) => {
      const after = places.filter((one) => Math.abs(one.y - y) < 4 && one.x > x).map((one) => one.x - 1);
      const room = Math.min(...after, outline.x + outline.width - 2) - x;
      if (width > room) set(words[k], { textLength: room, lengthAdjust: "spacingAndGlyphs" });
    });
  }
}
