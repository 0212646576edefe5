"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const COLOURS = { light: ["#0072B2", "#B3470A", "#00795A", "#A8538A", "#5B3CC4", "#8A6100", "#444444"],
                  dark: ["#6CBCF0", "#F29A66", "#4FD0A5", "#E39CC8", "#B7A4FF", "#EBC062", "#D0D0D0"] };
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (i) => (dark.matches ? COLOURS.dark : COLOURS.light)[i % 7];
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function make(tag, text, parent) {
  const made = document.createElement(tag);
  made.textContent = text;
  parent.append(made);
  return made;
}

/* A canvas in the pixels of this screen: its context, and its size in CSS pixels. */
function begin(canvas) {
  const box = canvas.getBoundingClientRect(), by = devicePixelRatio || 1;
  canvas.width = Math.round(box.width * by);
  canvas.height = Math.round(box.height * by);
  const pen = canvas.getContext("2d");
  pen.scale(by, by);
  pen.clearRect(0, 0, box.width, box.height);
  pen.font = "12px system-ui, sans-serif";
  return [pen, box.width, box.height];
}

/* Steps of 1, 2 or 5 times a power of ten, about n of them. */
function ticks(low, high, n) {
  const rough = Math.max(1e-9, (high - low) / n), power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((s) => s * power >= rough), found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + 1e-9; at += step) found.push(at);
  return found;
}

function redrawn(draw) {
  addEventListener("resize", draw);
  dark.addEventListener("change", draw);
  draw();
}

function pointed(canvas, tell) {
  canvas.addEventListener("pointermove", (e) => tell(e.clientX - canvas.getBoundingClientRect().left));
  canvas.addEventListener("pointerdown", (e) => tell(e.clientX - canvas.getBoundingClientRect().left));
  canvas.addEventListener("pointerleave", () => tell(null));
}

function graph() {
  const buttons = [...document.querySelectorAll(".node")];
  const open = (button) => buttons.forEach((b) => {
    b.setAttribute("aria-selected", String(b === button));
    document.getElementById(b.getAttribute("aria-controls")).hidden = b !== button;
  });
  buttons.forEach((b) => b.addEventListener("click", () => open(b)));
  if (buttons.length) open(buttons.find((b) => b.classList.contains("population")) || buttons[0]);
}

function curve(found) {
  const canvas = document.getElementById("curve-canvas"), keys = document.getElementById("curve-keys");
  const told = document.getElementById("curve-readout"), hidden = new Set();
  const n = Math.max(...found.lines.map((l) => l.mean.length));
  const first = Math.min(Math.floor(found.window / 2), Math.max(0, n - 2));
  const left = 40, right = 12, top = 10, foot = 38;
  let at = null, width = 1;
  const draw = () => {
    const [pen, w, h] = begin(canvas);
    width = w;
    const shown = found.lines.filter((l) => !hidden.has(l.name));
    const values = shown.flatMap((l) => l.mean.slice(first));
    const low = values.length ? Math.max(0, Math.floor(Math.min(...values) / 10) * 10) : 0;
    const x = (i) => left + (w - left - right) * (i - first) / Math.max(1, n - 1 - first);
    const y = (v) => h - foot - (h - foot - top) * (v - low) / (100 - low);
    pen.strokeStyle = style("--line");
    pen.fillStyle = style("--faint");
    pen.lineWidth = 1;
    pen.textAlign = "right";
    for (const v of ticks(low, 100, 5)) {
      pen.beginPath(); pen.moveTo(left, y(v)); pen.lineTo(w - right, y(v)); pen.stroke();
      pen.fillText(v + " %", left - 4, y(v) + 4);
    }
    pen.textAlign = "center";
    for (const v of ticks(first + 1, n, w < 500 ? 4 : 8)) pen.fillText(String(v), x(v - 1), h - foot + 16);
    pen.fillText("samples learned", (left + w - right) / 2, h - 4);
    found.lines.forEach((l, i) => {
      if (hidden.has(l.name)) return;
      if (l.std.length) {
        pen.globalAlpha = l.is_main ? .2 : .1;
        pen.fillStyle = colour(i);
        pen.beginPath();
        for (let j = first; j < l.mean.length; j++) pen.lineTo(x(j), y(Math.min(100, l.mean[j] + l.std[j])));
        for (let j = l.mean.length - 1; j >= first; j--) pen.lineTo(x(j), y(Math.max(low, l.mean[j] - l.std[j])));
        pen.fill();
        pen.globalAlpha = 1;
      }
      pen.strokeStyle = colour(i);
      pen.lineWidth = l.is_main ? 2.6 : 1.5;
      pen.beginPath();
      for (let j = first; j < l.mean.length; j++) pen.lineTo(x(j), y(l.mean[j]));
      pen.stroke();
    });
    if (at !== null) {
      pen.strokeStyle = style("--faint");
      pen.lineWidth = 1;
      pen.beginPath(); pen.moveTo(x(at), top); pen.lineTo(x(at), h - foot); pen.stroke();
    }
    told.textContent = at === null ? "" : `sample ${at + 1}: ` + shown.filter((l) => at < l.mean.length)
      .map((l) => `${l.name} ${l.mean[at]} %`).join(", ");
  };
  found.lines.forEach((l, i) => {
    const button = make("button", "", keys);
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    const mark = make("i", "", button);
    make("span", l.name, button);
    const paint = () => { mark.style.background = colour(i); };
    dark.addEventListener("change", paint);
    paint();
    button.addEventListener("click", () => {
      if (!hidden.delete(l.name)) hidden.add(l.name);
      button.setAttribute("aria-pressed", String(!hidden.has(l.name)));
      draw();
    });
  });
  pointed(canvas, (px) => {
    at = px === null ? null : Math.min(n - 1, Math.max(first, Math.round(
      first + (px - left) / Math.max(1, width - left - right) * (n - 1 - first))));
    draw();
  });
  redrawn(draw);
}

function raster(found) {
  const canvas = document.getElementById("raster-canvas"), told = document.getElementById("raster-readout");
  const keys = document.getElementById("raster-targets");
  keys.classList.add("choice");
  const [reference, ...targets] = Object.keys(found.spikes);
  const n = found.populations.reduce((sum, p) => sum + p.size, 0), nSteps = found.n_samples * found.n_steps;
  const code = (pair) => pair[0] * n + pair[1];
  const ours = new Set(found.spikes[reference].map(code));
  let chosen = targets[targets.length - 1] || reference;
  const left = 56, right = 8, top = 6, foot = 38;
  let at = null, width = 1;
  canvas.style.height = Math.min(520, Math.max(220, n * 2 + 50)) + "px";
  const draw = () => {
    const [pen, w, h] = begin(canvas);
    width = w;
    const theirs = new Set(found.spikes[chosen].map(code));
    const dx = (w - left - right) / nSteps, dy = (h - top - foot) / n;
    const mark = (c, fill) => {
      pen.fillStyle = fill;
      pen.fillRect(left + Math.floor(c / n) * dx, top + (c % n) * dy, Math.max(1.2, dx * .8), Math.max(1.2, dy * .8));
    };
    pen.fillStyle = style("--faint");
    pen.strokeStyle = style("--line");
    pen.textAlign = "right";
    let row = 0;
    for (const p of found.populations) {
      pen.beginPath(); pen.moveTo(left, top + row * dy); pen.lineTo(w - right, top + row * dy); pen.stroke();
      pen.fillText(p.name.slice(0, 8), left - 4, Math.min(h - foot, top + (row + p.size / 2) * dy + 4));
      row += p.size;
    }
    pen.textAlign = "center";
    for (let i = 0; i < found.n_samples; i++) {
      const x = left + i * found.n_steps * dx;
      pen.beginPath(); pen.moveTo(x, top); pen.lineTo(x, h - foot); pen.stroke();
      pen.fillText("sample " + (i + 1), x + found.n_steps * dx / 2, h - foot + 16);
    }
    pen.fillText("time steps", (left + w - right) / 2, h - 4);
    let missing = 0, more = 0;
    for (const c of ours) if (theirs.has(c)) mark(c, style("--ink")); else { mark(c, style("--red")); missing++; }
    for (const c of theirs) if (!ours.has(c)) { mark(c, style("--blue")); more++; }
    if (at !== null) {
      pen.globalAlpha = .25;
      pen.fillStyle = style("--blue");
      pen.fillRect(left + at * dx, top, dx, h - top - foot);
      pen.globalAlpha = 1;
    }
    canvas.dataset.missing = missing;
    canvas.dataset.more = more;
    const whole = `${ours.size.toLocaleString("en")} spikes on ${reference}, ${theirs.size.toLocaleString("en")} on ` +
      `${chosen}: ${missing + more === 0 ? "the same" : `${missing} only on the first, ${more} only on the second`}`;
    const here = at === null ? 0 : [...ours].filter((c) => Math.floor(c / n) === at).length;
    told.textContent = at === null ? whole :
      `sample ${Math.floor(at / found.n_steps) + 1}, step ${at % found.n_steps}: ${here} spikes; ${whole}`;
  };
  for (const name of targets) {
    const button = make("button", "", keys);
    button.type = "button";
    make("span", name, button);
    button.setAttribute("aria-pressed", String(name === chosen));
    button.addEventListener("click", () => {
      chosen = name;
      for (const other of keys.children) other.setAttribute("aria-pressed", String(other === button));
      draw();
    });
  }
  pointed(canvas, (px) => {
    at = px === null ? null : Math.floor((px - left) / Math.max(1, width - left - right) * nSteps);
    if (at !== null && (at < 0 || at >= nSteps)) at = null;
    draw();
  });
  redrawn(draw);
}

/* On a phone a tree is opened by whoever wants to see it. */
if (matchMedia("(max-width: 500px)").matches) document.querySelectorAll("details.root").forEach((d) => { d.open = false; });
graph();
if (data.curve) curve(data.curve);
if (data.raster) raster(data.raster);
document.documentElement.dataset.ready = "true";
