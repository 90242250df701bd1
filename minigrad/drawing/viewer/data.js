// The data of the page, and the state of the view.
"use strict";

const $ = (id) => document.getElementById(id);
const page = JSON.parse($("data").textContent);
const state = { shot: Infinity, picked: [], trail: [] };

// The snapshot in view. An item is a node, "n3", or a row of a card, "n3:w0".
const view = () => page.views[state.view];
const shotNumber = () => Math.min(state.shot, view().shots.length - 1);
function shot() {
  const found = view().shots[shotNumber()];
  found.diagram ||= JSON.parse(found.json);
  return found;
}
const template = (kind) => document.importNode($(`${kind}-${state.view}-${shotNumber()}`).content, true);
const item = (key) => shot().items[key];
const edgesOf = (key, kind) => item(key)[kind].map((number) => shot().edges[number]);
const nodeOf = (key) => key.split(":")[0];
const isCluster = (key) => key.startsWith("cluster_");
const portOf = (key) => key.split(":")[1];
const opens = (key) => view().opens[item(key).opens]; // the number of the picture inside, if there is one

// An item, its ancestors or descendants, and the edges between.
function reach(key, kind, end) {
  const [nodes, edges] = [new Set([nodeOf(key)]), []];
  for (const id of nodes) {
    for (const edge of edgesOf(id, kind)) {
      nodes.add(edge[end]);
      edges.push(edge.id);
    }
  }
  return [...nodes, ...edges];
}

// A number in four digits; other text unchanged.
function short(text = "") {
  if (text === "" || !Number.isFinite(Number(text))) return text;
  return String(Number(Number(text).toPrecision(4))).replaceAll("-", "−");
}

// Give an element attributes, and listeners ("onclick").
function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  return element;
}

// A new element with its children; text is never read as HTML.
function make(tag, attributes, ...children) {
  const element = set(document.createElement(tag), attributes);
  element.append(...children);
  return element;
}
