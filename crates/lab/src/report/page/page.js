"use strict";
// Draws the timelines of a report: a lane per shard or group, batches as bars, tries as blocks within.
(() => {
  const OUTCOMES = ["processed", "processed in part", "failed", "throttled or not reached", "under way at the end"];
  const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5,
    36e5, 72e5, 108e5, 216e5, 432e5, 864e5, 6048e5];
  const ROW = 24, LEAST = 8, WIDEST = 120000, LOG_LINES = 12;
  const data = JSON.parse(document.getElementById("data").textContent);
  let tips = 0;

  // Makes an element; texts are only ever set as texts.
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== undefined && value !== null) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }
  const plural = (number, one, many) => `${number.toLocaleString("en-US")} ${number === 1 ? one : many}`;
  // A moment since the beginning, as 0:01:05.250.
  function clock(ms, digits = 3) {
    const seconds = Math.floor(ms / 1000), pad = (number) => String(number).padStart(2, "0");
    const whole = `${Math.floor(seconds / 3600)}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
    return digits ? `${whole}.${String(Math.floor(ms % 1000)).padStart(3, "0").slice(0, digits)}` : whole;
  }
  function lasting(ms) {
    if (ms < 1000) return `${Math.round(ms)} ms`;
    if (ms < 60e3) return `${(ms / 1000).toFixed(1)} s`;
    if (ms < 36e5) return `${Math.floor(ms / 60e3)} min ${Math.floor(ms / 1000) % 60} s`;
    return `${Math.floor(ms / 36e5)} h ${Math.floor(ms / 60e3) % 60} min`;
  }
  function lineOf([at, pattern, numbers]) {
    let next = 0;
    return { at, text: data.patterns[pattern].replace(/\u0001/g, () => numbers[next++]) };
  }

  // Reads the batches of a timeline, each with its children.
  function read(timeline) {
    const drawn = timeline.batches.filter((batch) => timeline.lanes[batch[2]] !== undefined);
    const batches = drawn.map(([id, parent, lane, closed, reason, records, bytes, tries, log]) => ({
      id, parent, lane, closed, reason, records, bytes, log, children: [],
      tries: tries.map(([began, ended, outcome]) => ({ began, ended: Math.max(began, ended), outcome })),
    }));
    const byId = new Map(batches.map((batch) => [batch.id, batch]));
    for (const batch of batches) {
      batch.end = batch.tries.reduce((end, each) => Math.max(end, each.ended), batch.closed);
      batch.outcome = batch.tries.length ? batch.tries.at(-1).outcome : 4;
      batch.failed = batch.tries.some((each) => each.outcome > 0 && each.outcome < 4);
      batch.of = batch.parent !== batch.id ? byId.get(batch.parent) : undefined;
      if (batch.of) batch.of.children.push(batch);
    }
    return batches;
  }
  // The batch that a family begins with. What is said in a circle has no beginning: it ends where it was.
  function rootOf(batch) {
    const seen = new Set();
    while (batch.of && !seen.has(batch)) { seen.add(batch); batch = batch.of; }
    return batch;
  }
  function familyOf(batch) {
    const family = new Set(), open = [rootOf(batch)];
    while (open.length) {
      const next = open.pop();
      if (!family.has(next)) { family.add(next); open.push(...next.children); }
    }
    return family;
  }
  function told(batch) {
    const outcome = batch.tries.length ? OUTCOMES[batch.outcome] : "not invoked";
    return `${plural(batch.records, "record", "records")}, ${plural(batch.tries.length, "try", "tries")}, ${outcome}`;
  }

  // The stretches of time in which batches were about: what lies between them is cut out.
  function stretches(batches) {
    const sorted = batches.map((batch) => [batch.closed, batch.end]).sort((a, b) => a[0] - b[0]);
    const busy = sorted.reduce((sum, [from, to]) => sum + to - from, 0) / sorted.length;
    const apart = Math.max(2000, busy * 10);
    const found = [];
    for (const [from, to] of sorted) {
      const last = found.at(-1);
      if (last && from - last.to <= apart) last.to = Math.max(last.to, to);
      else found.push({ from, to });
    }
    for (const each of found) {
      const more = Math.max(20, (each.to - each.from) * 0.02);
      each.from = Math.max(0, each.from - more);
      each.to += more;
    }
    return found;
  }

  class View {
    constructor(place, timeline) {
      this.place = place;
      this.batches = read(timeline);
      this.parts = stretches(this.batches);
      // What is cut out has its length written on it, if there is room for all of them.
      this.gap = this.parts.length > 24 ? 20 : 88;
      this.lanes = timeline.lanes
        .map((name, at) => ({ name, batches: this.batches.filter((batch) => batch.lane === at) }))
        .filter((lane) => lane.batches.length);
      for (const lane of this.lanes) {
        lane.batches.sort((a, b) => a.closed - b.closed || a.id - b.id);
        lane.batches.forEach((batch, at) => { batch.row = lane; batch.place = at; });
      }
      this.mapping = timeline.mapping;
      this.build();
      this.rescale(this.firstScale());
      addEventListener("resize", () => this.layout());
    }

    build() {
      const zoom = (text, label, times) => {
        const button = make("button", { type: "button", "aria-label": label }, text);
        button.addEventListener("click", () => this.zoom(times));
        return button;
      };
      const next = make("button", { type: "button" }, "Next failure");
      next.addEventListener("click", () => this.nextFailure());
      next.hidden = !this.batches.some((batch) => batch.failed);
      const legend = make("ul", { class: "legend", "aria-label": "Outcomes of tries" });
      OUTCOMES.forEach((name, at) => {
        if (this.batches.some((batch) => batch.tries.some((each) => each.outcome === at))) {
          legend.append(make("li", {}, make("i", { class: `o${at}` }), name));
        }
      });
      const tools = make("div", { class: "tools" }, zoom("−", "Show more time", 0.5), zoom("+", "Show less time", 2), next, legend);
      this.grid = make("div", { class: "grid", role: "grid", "aria-label": `Batches of ${this.mapping}` });
      this.axis = make("div", { class: "axis", "aria-hidden": "true" });
      this.grid.append(this.axis);
      for (const lane of this.lanes) {
        lane.element = make("div", { class: "lane", role: "row" },
          make("div", { class: "name", role: "rowheader", title: lane.name }, make("bdi", {}, lane.name)));
        for (const batch of lane.batches) {
          batch.element = make("div", {
            class: "batch", role: "gridcell", tabindex: "-1",
            "aria-label": `Batch ${batch.id}, closed at ${clock(batch.closed)}, ${told(batch)}`,
          });
          batch.element.batch = batch;
          for (const each of batch.tries) {
            each.element = make("div", { class: `try o${each.outcome}` });
            batch.element.append(each.element);
          }
          lane.element.append(batch.element);
        }
        this.grid.append(lane.element);
      }
      this.links = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      this.links.setAttribute("class", "links");
      this.links.setAttribute("aria-hidden", "true");
      this.grid.append(this.links);
      this.scroller = make("div", { class: "lanes" }, this.grid);
      this.tip = make("div", { class: "tip", role: "tooltip", id: `tip-${tips++}` });
      this.tip.hidden = true;
      this.details = make("section", { class: "details", tabindex: "-1", "aria-label": "The chosen batch" });
      this.details.hidden = true;
      this.place.append(tools, this.scroller, this.details, this.tip);
      this.current = this.lanes[0].batches[0];
      this.current.element.tabIndex = 0;
      this.listen();
    }

    listen() {
      const batchOf = (event) => event.target.closest(".batch")?.batch;
      this.grid.addEventListener("pointerover", (event) => {
        if (event.pointerType === "mouse") batchOf(event) ? this.showTip(batchOf(event)) : this.hideTip();
      });
      this.grid.addEventListener("pointerleave", () => this.hideTip());
      this.grid.addEventListener("focusin", (event) => {
        const batch = batchOf(event);
        if (!batch) return;
        this.current.element.tabIndex = -1;
        this.current = batch;
        batch.element.tabIndex = 0;
        if (batch.element.matches(":focus-visible")) this.showTip(batch);
      });
      this.grid.addEventListener("focusout", () => this.hideTip());
      this.grid.addEventListener("click", (event) => { if (batchOf(event)) this.choose(batchOf(event)); });
      this.grid.addEventListener("keydown", (event) => this.key(event));
      this.scroller.addEventListener("scroll", () => this.followTip());
      addEventListener("scroll", () => this.followTip(), { passive: true });
      this.details.addEventListener("keydown", (event) => {
        if (event.key === "Escape") { this.close(); event.stopPropagation(); }
      });
    }

    // Everything in milliseconds fits into this many pixels for one at first.
    firstScale() {
      const all = this.parts.reduce((sum, part) => sum + part.to - part.from, 0);
      const tries = this.batches.flatMap((batch) => batch.tries.map((each) => each.ended - each.began)).sort((a, b) => a - b);
      const usual = Math.max(1, tries[Math.floor(tries.length / 2)] ?? 1);
      const width = Math.max(300, this.scroller.clientWidth - 140);
      this.all = all;
      return Math.min(Math.max(width / all, 20 / usual), 40000 / all);
    }
    zoom(times) {
      const middle = this.current;
      this.rescale(this.scale * times);
      middle.element.scrollIntoView({ block: "nearest", inline: "center" });
    }
    rescale(scale) {
      this.scale = Math.min(Math.max(scale, 100 / this.all), WIDEST / this.all);
      this.layout();
    }
    x(ms) {
      let left = this.left;
      for (const part of this.parts) {
        if (ms <= part.to) return left + Math.max(0, ms - part.from) * this.scale;
        left += (part.to - part.from) * this.scale + this.gap;
      }
      return left - this.gap;
    }

    layout() {
      this.left = this.lanes[0].element.firstChild.offsetWidth + 6;
      this.hideTip();
      for (const lane of this.lanes) {
        const ends = [];
        for (const batch of lane.batches) {
          const from = this.x(batch.closed), to = Math.max(this.x(batch.end), from + LEAST);
          let row = ends.findIndex((end) => end <= from + 1);
          if (row < 0) row = ends.length;
          ends[row] = to;
          batch.box = { left: from, right: to, top: 3 + row * ROW };
          const style = batch.element.style;
          style.left = `${from}px`;
          style.width = `${to - from}px`;
          style.top = `${batch.box.top}px`;
          // A bar that is shown longer than it is has its tries drawn longer with it.
          const scale = (to - from) / Math.max(1, batch.end - batch.closed);
          for (const each of batch.tries) {
            each.element.style.left = `${(each.began - batch.closed) * scale}px`;
            each.element.style.width = `${Math.max(3, (each.ended - each.began) * scale)}px`;
          }
        }
        lane.element.style.height = `${ends.length * ROW + 4}px`;
      }
      const width = `${Math.ceil(this.x(Infinity)) + 60}px`;
      this.grid.style.width = width;
      this.drawAxis();
      this.drawLinks();
    }

    drawAxis() {
      const place = (element, left, width) => {
        element.style.left = `${left}px`;
        if (width) element.style.width = `${width}px`;
        return element;
      };
      this.axis.replaceChildren(make("div", { class: "name" }, "h:mm:ss"));
      this.grid.querySelectorAll(".skip").forEach((skip) => skip.remove());
      const step = STEPS.find((each) => each * this.scale >= 90) ?? STEPS.at(-1);
      const digits = step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : 3;
      // No label reaches into the next, or into what is cut out.
      let free = 0;
      const tick = (ms, until) => {
        const left = this.x(ms);
        if (left < free || left + 60 > until) return;
        free = left + 64;
        this.axis.append(place(make("div", { class: "tick" }, clock(ms, digits)), left));
      };
      this.parts.forEach((part, at) => {
        const following = this.parts[at + 1], right = this.x(part.to);
        const until = following && this.gap > 60 ? right : Infinity;
        const first = Math.ceil(part.from / step) * step;
        for (let ms = first; ms <= part.to; ms += step) tick(ms, until);
        if (first > part.to) tick(part.from, Infinity);
        if (!following) return;
        const length = lasting(following.from - part.to);
        this.grid.append(place(make("div", { class: "skip", "aria-hidden": "true", title: length }), right, this.gap));
        if (this.gap > 60 && free <= right) {
          this.axis.append(place(make("div", { class: "gap" }, length), right, this.gap));
          free = right + this.gap;
        }
      });
    }

    // From what was split or left to what came of it, for the chosen family.
    drawLinks() {
      this.links.replaceChildren();
      for (const batch of this.chosen ? familyOf(this.chosen) : []) {
        if (!batch.of) continue;
        const from = batch.of, middle = (each) => each.row.element.offsetTop + each.box.top + ROW / 2 - 2;
        const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
        const [x1, y1, x2, y2] = [from.box.right - 3, middle(from), batch.box.left + 3, middle(batch)];
        // Within one row the line goes below what lies between.
        const dip = y1 === y2 ? ROW * 0.8 : 0, third = (x2 - x1) / 3;
        path.setAttribute("d", `M${x1},${y1} C${x1 + third},${y1 + dip} ${x2 - third},${y2 + dip} ${x2},${y2}`);
        this.links.append(path);
      }
    }

    showTip(batch) {
      const lines = batch.log.slice(0, LOG_LINES).map(lineOf);
      const list = make("ol", {}, ...lines.map(({ at, text }) => make("li", {}, make("time", {}, clock(at)), text)));
      this.tip.replaceChildren(make("b", {}, `Batch ${batch.id}`), `: ${told(batch)}`, list);
      if (batch.log.length > LOG_LINES) this.tip.append(`and ${plural(batch.log.length - LOG_LINES, "more line", "more lines")}`);
      batch.element.setAttribute("aria-describedby", this.tip.id);
      this.tip.hidden = false;
      this.placeTip(batch);
    }
    placeTip(batch) {
      const bar = batch.element.getBoundingClientRect(), own = this.tip.getBoundingClientRect();
      const below = bar.bottom + 8 + own.height <= innerHeight;
      this.tip.style.top = `${below ? bar.bottom + 8 : Math.max(4, bar.top - own.height - 8)}px`;
      this.tip.style.left = `${Math.max(8, Math.min(bar.left, innerWidth - own.width - 8))}px`;
    }
    // The tip of a focused batch goes along; that of one under the mouse ends, as the mouse is elsewhere then.
    followTip() {
      if (this.tip.hidden) return;
      if (document.activeElement === this.current.element) this.placeTip(this.current);
      else this.hideTip();
    }
    hideTip() {
      this.tip.hidden = true;
    }

    choose(batch) {
      this.hideTip();
      this.chosen?.element.classList.remove("chosen");
      this.chosen = batch;
      batch.element.classList.add("chosen");
      const family = familyOf(batch);
      for (const each of this.batches) each.element.classList.toggle("kin", family.has(each));
      this.grid.classList.toggle("family", family.size > 1);
      this.drawLinks();
      this.describe(batch, family);
      this.details.hidden = false;
      this.details.focus({ preventScroll: true });
      this.details.scrollIntoView({ block: "nearest" });
    }
    close() {
      if (this.details.hidden) return;
      this.details.hidden = true;
      this.grid.classList.remove("family");
      const batch = this.chosen;
      batch.element.classList.remove("chosen");
      this.chosen = undefined;
      this.drawLinks();
      batch.element.focus();
      this.hideTip();
    }

    describe(batch, family) {
      const close = make("button", { type: "button" }, "Close");
      close.addEventListener("click", () => this.close());
      const tries = batch.tries.map((each, at) => make("li", {},
        make("time", {}, clock(each.began)),
        `Try ${at + 1}: ${OUTCOMES[each.outcome]} after ${lasting(each.ended - each.began)}`));
      const log = batch.log.map(lineOf).map(({ at, text }) => make("li", {}, make("time", {}, clock(at)), text));
      this.details.replaceChildren(
        make("header", {}, make("h4", {}, `Batch ${batch.id}`), close),
        make("p", {}, `${told(batch)}; ${plural(batch.bytes, "byte", "bytes")}. Closed at ${clock(batch.closed)} (${batch.reason}) in ${batch.row.name}.`));
      const part = (title, ...content) => this.details.append(make("h5", {}, title), ...content);
      if (family.size > 1) part("Its family", make("ul", { class: "tree" }, this.tree(rootOf(batch), batch, new Set())));
      if (tries.length) part("Tries", make("ol", {}, ...tries));
      part("Decision log", log.length ? make("ol", {}, ...log) : make("p", {}, "Nothing was kept."));
    }
    tree(batch, chosen, seen) {
      seen.add(batch);
      const button = make("button", { type: "button", "aria-current": batch === chosen ? "true" : undefined },
        ...batch.tries.slice(0, 8).map((each) => make("i", { class: `o${each.outcome}` })), `Batch ${batch.id}: ${told(batch)}`);
      button.addEventListener("click", () => {
        this.choose(batch);
        batch.element.scrollIntoView({ block: "nearest", inline: "nearest" });
      });
      const children = batch.children.filter((each) => !seen.has(each));
      // What failed and was not split was given up, or waits: its last decision says which.
      const ending = batch.failed && !children.length && batch.log.length ? [make("small", {}, lineOf(batch.log.at(-1)).text)] : [];
      return make("li", {}, button, ...ending,
        ...(children.length ? [make("ul", {}, ...children.map((each) => this.tree(each, chosen, seen)))] : []));
    }

    go(batch) {
      if (!batch) return;
      batch.element.focus({ preventScroll: true });
      batch.element.scrollIntoView({ block: "nearest", inline: "nearest" });
      requestAnimationFrame(() => requestAnimationFrame(() => {
        if (document.activeElement === batch.element && this.details.hidden) this.showTip(batch);
      }));
    }
    key(event) {
      const batch = event.target.batch;
      if (!batch || event.ctrlKey || event.altKey || event.metaKey) return;
      const lane = batch.row, beside = (by) => this.lanes[this.lanes.indexOf(lane) + by];
      const nearest = (other) => other?.batches.reduce((best, each) =>
        Math.abs(each.closed - batch.closed) < Math.abs(best.closed - batch.closed) ? each : best);
      const keys = {
        ArrowRight: () => this.go(lane.batches[batch.place + 1]),
        ArrowLeft: () => this.go(lane.batches[batch.place - 1]),
        ArrowDown: () => this.go(nearest(beside(1))),
        ArrowUp: () => this.go(nearest(beside(-1))),
        Home: () => this.go(lane.batches[0]),
        End: () => this.go(lane.batches.at(-1)),
        Enter: () => this.choose(batch),
        " ": () => this.choose(batch),
        Escape: () => (this.tip.hidden ? this.close() : this.hideTip()),
        "+": () => this.zoom(2),
        "-": () => this.zoom(0.5),
      };
      if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
    }
    nextFailure() {
      const failed = this.batches.filter((batch) => batch.failed).sort((a, b) => a.closed - b.closed || a.id - b.id);
      const { closed, id } = this.current;
      this.go(failed.find((batch) => batch.closed > closed || (batch.closed === closed && batch.id > id)) ?? failed[0]);
    }
  }

  for (const place of document.querySelectorAll("[data-timeline]")) {
    const timeline = data.timelines[place.dataset.timeline];
    if (timeline?.batches.some((batch) => timeline.lanes[batch[2]] !== undefined)) new View(place, timeline);
  }
})();
