/* SPDX-License-Identifier: MIT
 * The page about a tree: folds, finds, moves and draws it. Nodes are numbered depth first, so that the nodes below i are
 * i + 1 to end[i] - 1, and nothing here recurses: a tree may be one long chain. */
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const {parent, name} = data;
  const n = parent.length;
  const LINE = 15, PADDING = 6, GAP = 22, MARK = 11, MAX_WORDS = 320, BUDGET = 3000;
  const FONT = "12px 'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif";
  const find = (id) => document.getElementById(id);
  const canvas = find('canvas'), world = find('world'), nodes = find('nodes');

  /* --- the tree --- */

  const end = new Int32Array(n), depth = new Int32Array(n), leaves = new Int32Array(n), kids = new Int32Array(n);
  const place = new Int32Array(n);
  const reach = new Float64Array(n).fill(1);
  const onPath = new Uint8Array(n), open = new Uint8Array(n);
  for (const i of data.path || []) onPath[i] = 1;
  for (let i = 1; i < n; i++) {
    depth[i] = depth[parent[i]] + 1;
    place[i] = ++kids[parent[i]];
    if (data.p) reach[i] = reach[parent[i]] * data.p[i];
  }
  for (let i = n - 1; i >= 0; i--) {
    end[i] = Math.max(end[i], i + 1);
    leaves[i] = leaves[i] || 1;
    if (i > 0) {
      leaves[parent[i]] += leaves[i];
      end[parent[i]] = Math.max(end[parent[i]], end[i]);
    }
  }

  const isOpen = (i) => kids[i] > 0 && open[i] === 1;
  const percent = (p) => (100 * p).toFixed(2) + '%';
  const share = (i) => data.p && i > 0 ? percent(data.p[i]) : '';
  const lines = (i) => [data.outcome, ...(data.lines || [])].map((list) => list ? list[i] : '').filter((words) => words);
  const isOutcome = (i, k) => k === 0 && data.outcome !== undefined && data.outcome[i] !== '';
  let maxLines = 1;
  if (data.outcome || data.lines) for (let i = 0; i < n; i++) maxLines = Math.max(maxLines, 1 + lines(i).length);
  const ROW = maxLines * LINE + 6;

  function * childrenOf(i) {
    for (let c = i + 1; c < end[i]; c = end[c]) yield c;
  }

  /* Opens level by level what is closed, while at most so many rows come of it. */
  function openWithin(rows) {
    const queue = [0];
    let used = 0;
    for (let i = 0; i < n; i = isOpen(i) ? i + 1 : end[i]) used += isOpen(i) ? 0 : 1;
    for (let at = 0; at < queue.length; at++) {
      const i = queue[at];
      if (kids[i] === 0) continue;
      if (!open[i]) {
        if (used + kids[i] - 1 > rows) continue;
        open[i] = 1;
        used += kids[i] - 1;
      }
      for (const c of childrenOf(i)) queue.push(c);
    }
  }

  function openPath() {
    for (const i of data.path || []) open[i] = 1;
  }

  function reveal(i) {
    for (let at = parent[i]; at >= 0; at = parent[at]) open[at] = 1;
  }

  /* --- layout: a row for each leaf or closed node, a column a level --- */

  const x = new Float64Array(n), y = new Float64Array(n), width = new Float64Array(n), measured = new Float64Array(n);
  const pen = document.createElement('canvas').getContext('2d');
  let shown = [], right = 0, bottom = 0;
  const letters = new Map();

  /* Letter by letter, each asked for once: asking for every name takes seconds in large trees. */
  function textWidth(words, bold) {
    let sum = 0;
    for (const letter of words) {
      const key = bold ? 'bold ' + letter : letter;
      if (!letters.has(key)) {
        pen.font = (bold ? 'bold ' : '') + FONT;
        letters.set(key, pen.measureText(letter).width);
      }
      sum += letters.get(key);
    }
    return sum;
  }

  function shorten(words, bold) {
    if (words.length < 20 || textWidth(words, bold) <= MAX_WORDS) return words;
    let kept = '', wide = textWidth('…', bold);
    for (const letter of words) {
      wide += textWidth(letter, bold);
      if (wide > MAX_WORDS) break;
      kept += letter;
    }
    return kept + '…';
  }

  const hidden = (i) => kids[i] > 0 && !open[i] ? '+' + leaves[i] : '';

  function measure(i) {
    if (measured[i] === 0) {
      const bold = onPath[i] === 1;
      const first = textWidth(shorten(name[i], bold), bold) + (share(i) ? 6 + textWidth(share(i), bold) : 0);
      measured[i] = Math.max(first, ...lines(i).map((words, k) => {
        const strong = bold || isOutcome(i, k);
        return textWidth(shorten(words, strong), strong);
      }));
    }
    const more = hidden(i);
    return measured[i] + 2 * PADDING + (kids[i] > 0 ? MARK : 0) + (more ? 6 + textWidth(more, onPath[i] === 1) : 0);
  }

  function layOut() {
    const columns = [0];
    let row = 0;
    shown = [];
    for (let i = 0; i < n; i = isOpen(i) ? i + 1 : end[i]) {
      shown.push(i);
      width[i] = measure(i);
      if (isOpen(i)) columns[depth[i] + 1] = Math.max(columns[depth[i] + 1] || 0, width[i]);
      else y[i] = ROW * row++ + ROW / 2;
    }
    for (let d = 1; d < columns.length; d++) columns[d] += columns[d - 1] + GAP;
    bottom = ROW * row;
    right = 0;
    for (const i of shown) {
      x[i] = columns[depth[i]];
      right = Math.max(right, x[i] + width[i]);
    }
    const low = new Map();
    for (let k = shown.length - 1; k >= 0; k--) {
      const i = shown[k];
      if (isOpen(i)) y[i] = (y[i + 1] + low.get(i)) / 2;
      if (i > 0 && !low.has(parent[i])) low.set(parent[i], y[i]);
    }
  }

  /* --- drawing: what is in view, and of that no more than a budget --- */

  const view = {x: 20, y: 20, k: 1};
  const painted = new Map();
  let chosen = 0, hits = [], hitSet = new Set(), hitsBefore = null, wanted = false;

  function element(tag, attributes, words) {
    const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (words !== undefined) made.textContent = words;
    return made;
  }

  function classes(i) {
    const holds = hitsBefore && !isOpen(i) && hitsBefore[end[i]] > hitsBefore[i + 1];
    return 'node' + (kids[i] === 0 && maxLines === 1 ? ' leaf' : '') + (onPath[i] ? ' path' : '') +
      (hitSet.has(i) ? ' hit' : '') + (holds ? ' holds' : '') + (i === chosen ? ' chosen' : '');
  }

  function makeNode(i) {
    const bold = onPath[i] === 1, more = lines(i), mark = kids[i] > 0 ? MARK : 0;
    const height = (1 + more.length) * LINE + 3, top = -height / 2;
    const made = element('g', {
      id: 'n' + i, role: 'treeitem', class: classes(i), transform: `translate(${x[i]} ${y[i]})`, 'aria-level': depth[i] + 1,
      'aria-posinset': Math.max(1, place[i]), 'aria-setsize': i > 0 ? kids[parent[i]] : 1, 'aria-selected': i === chosen,
      'aria-label': [name[i], share(i), ...more].filter((words) => words).join(', '), tabindex: i === chosen ? 0 : -1
    });
    if (kids[i] > 0) made.setAttribute('aria-expanded', isOpen(i));
    made.append(element('title', {}, [name[i], data.id[i], share(i)].filter((words) => words).join(' · ')),
      element('rect', {y: top, width: width[i], height, rx: 4}));
    if (mark) made.append(element('path', {class: 'mark', d: isOpen(i) ? 'M5 -2h8l-4 5z' : 'M7 -4v8l5 -4z'}));
    const first = element('text', {x: PADDING + mark, y: top + 13}, shorten(name[i], bold));
    for (const words of [share(i), hidden(i)])
      if (words) first.append(element('tspan', {class: 'more', dx: 6}, words));
    made.append(first);
    more.forEach((words, k) => made.append(element('text', {
      x: PADDING + mark, y: top + 13 + (k + 1) * LINE, class: isOutcome(i, k) ? 'outcome' : 'more'
    }, shorten(words, bold || isOutcome(i, k)))));
    return made;
  }

  /* Of too many, every so manieth; of words too small to read, none. Path and chosen node in any case. */
  function thin(list, legible) {
    const every = Math.ceil(list.length / BUDGET);
    return every <= 1 && legible ? list
      : list.filter((i, k) => (legible && k % every === 0) || onPath[i] || i === chosen);
  }

  function curve(i) {
    const from = parent[i], x2 = x[i], x1 = x2 - GAP, bend = x2 - GAP / 2;
    return `M${x[from] + width[from]} ${y[from]}H${x1}C${bend} ${y[from]} ${bend} ${y[i]} ${x2} ${y[i]}`;
  }

  function paint() {
    const box = canvas.getBoundingClientRect();
    const left = -view.x / view.k - 50, top = -view.y / view.k - ROW;
    const end_x = left + box.width / view.k + 100, end_y = top + box.height / view.k + 2 * ROW;
    const here = [], edges = [];
    for (const i of shown) {
      if (i === chosen || (y[i] > top && y[i] < end_y && x[i] < end_x && x[i] + width[i] > left)) here.push(i);
      if (i === 0) continue;
      const from = parent[i];
      if (x[from] < end_x && x[i] > left && Math.min(y[i], y[from]) < end_y && Math.max(y[i], y[from]) > top) edges.push(i);
    }
    const keep = new Set(thin(here, view.k >= .2));
    for (const [i, made] of painted)
      if (!keep.has(i)) {
        made.remove();
        painted.delete(i);
      }
    for (const i of keep)
      if (!painted.has(i)) {
        painted.set(i, makeNode(i));
        nodes.append(painted.get(i));
      }
    const drawn = [...new Set([...thin(edges, true), ...[...keep].filter((i) => i > 0)])];
    find('lines').setAttribute('d', drawn.filter((i) => !onPath[i]).map(curve).join(''));
    find('way').setAttribute('d', drawn.filter((i) => onPath[i]).map(curve).join(''));
    world.setAttribute('transform', `translate(${view.x} ${view.y}) scale(${view.k})`);
    find('count').textContent = `${shown.length} of ${n} nodes shown` +
      (keep.size < here.length ? `; zoom in to see each of ${here.length}` : '');
  }

  /* Once a frame, however many events ask. */
  function repaint() {
    if (wanted) return;
    wanted = true;
    requestAnimationFrame(() => {
      wanted = false;
      paint();
    });
  }

  /* After something was opened, closed or found; move() looks at the new layout. */
  function rebuild(move) {
    const focused = nodes.contains(document.activeElement);
    layOut();
    if (move) move();
    nodes.replaceChildren();
    painted.clear();
    paint();
    if (focused) painted.get(chosen).focus({preventScroll: true});
  }

  /* --- moving --- */

  function zoom(factor, at_x, at_y) {
    const k = Math.min(6, Math.max(.01, view.k * factor));
    view.x = at_x - (at_x - view.x) * k / view.k;
    view.y = at_y - (at_y - view.y) * k / view.k;
    view.k = k;
    repaint();
  }

  function zoomMiddle(factor) {
    const box = canvas.getBoundingClientRect();
    zoom(factor, box.width / 2, box.height / 2);
  }

  /* The whole of what is open; where that takes a scale below the least, its beginning. True if it is the whole. */
  function fit(least) {
    const box = canvas.getBoundingClientRect(), margin = 20;
    const whole = Math.min((box.width - 2 * margin) / right, (box.height - 2 * margin - 16) / bottom, 1.3);
    view.k = Math.max(whole, least);
    view.x = Math.max(margin, (box.width - right * view.k) / 2);
    view.y = whole >= least || bottom * view.k < box.height ? Math.max(margin, (box.height - bottom * view.k) / 2)
      : box.height / 2 - y[0] * view.k;
    repaint();
    return whole >= least;
  }

  /* Moves as little as needed. */
  function show(i) {
    const box = canvas.getBoundingClientRect(), margin = 40;
    const at_x = x[i] * view.k + view.x, at_y = y[i] * view.k + view.y, wide = Math.min(width[i] * view.k, box.width - 2 * margin);
    if (at_x < margin) view.x += margin - at_x;
    else if (at_x + wide > box.width - margin) view.x -= at_x + wide - box.width + margin;
    if (at_y < margin) view.y += margin - at_y;
    else if (at_y > box.height - margin) view.y -= at_y - box.height + margin;
  }

  function centre(i) {
    const box = canvas.getBoundingClientRect();
    view.k = Math.max(view.k, .8);
    view.x = box.width / 2 - (x[i] + width[i] / 2) * view.k;
    view.y = box.height / 2 - y[i] * view.k;
  }

  /* --- choosing --- */

  function choose(i, focus) {
    const before = chosen;
    chosen = i;
    for (const k of [before, i]) {
      const made = painted.get(k);
      if (!made) continue;
      made.setAttribute('class', classes(k));
      made.setAttribute('aria-selected', k === i);
      made.setAttribute('tabindex', k === i ? 0 : -1);
    }
    paint();
    if (focus) painted.get(i).focus({preventScroll: true});
    describe();
  }

  function goTo(i) {
    reveal(i);
    chosen = i;
    rebuild(() => centre(i));
    describe();
  }

  /* The node stays where it is on the screen. */
  function toggle(i) {
    const before_x = x[i], before_y = y[i];
    open[i] ^= 1;
    rebuild(() => {
      view.x += (before_x - x[i]) * view.k;
      view.y += (before_y - y[i]) * view.k;
    });
  }

  /* --- the panel --- */

  function make(tag, className, ...inside) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...inside);
    return made;
  }

  function step(i, p, words) {
    const made = make('button', 'step' + (onPath[i] ? ' path' : ''), make('span', '', words || name[i]));
    made.type = 'button';
    if (p !== undefined) {
      const bar = make('i');
      bar.style.width = 100 * p + '%';
      made.prepend(bar);
      made.append(make('span', '', percent(p)));
    }
    made.addEventListener('click', () => goTo(i));
    return make('li', '', made);
  }

  function describe() {
    const section = find('node'), i = chosen;
    const id = /^\d+$/.test(data.id[i]) ? 'node ' + data.id[i] : data.id[i];
    const facts = [id, ...lines(i), kids[i] > 0 ? `${leaves[i]} leaves below` : 'leaf', 'level ' + depth[i]];
    section.replaceChildren(make('h2', '', name[i]), make('p', 'soft', facts.filter((words) => words).join(' · ')));
    if (data.p && i > 0) section.append(make('p', '', `${share(i)} among its siblings, ${percent(reach[i])} of all`));
    if (kids[i] === 0) return;
    const list = make('ul', ''), below = [...childrenOf(i)];
    if (data.p) below.sort((a, b) => data.p[b] - data.p[a]);
    for (const c of below.slice(0, 50)) list.append(step(c, data.p ? data.p[c] : undefined));
    section.append(list);
    if (below.length > 50) section.append(make('p', 'soft', `and ${below.length - 50} more`));
  }

  function fillPanel() {
    const way = find('decisions'), best = find('classes');
    if (!data.path) return;
    const list = make('ol');
    for (const i of data.path.slice(1, 201)) list.append(step(i, data.p ? data.p[i] : undefined));
    way.append(make('h2', '', 'Prediction: ' + data.prediction), list);
    if (data.path.length > 201) way.append(make('p', 'soft', `and ${data.path.length - 201} more`));
    if (!data.p) return;
    const top = [];
    for (let i = 0; i < n; i++) if (kids[i] === 0) top.push(i);
    top.sort((a, b) => reach[b] - reach[a]);
    const ranked = make('ol');
    for (const i of top.slice(0, 5)) ranked.append(step(i, reach[i], data.outcome && data.outcome[i]));
    best.append(make('h2', '', 'Likeliest leaves'), make('p', 'soft', 'The probabilities on the way to each, multiplied.'), ranked);
  }

  /* --- finding --- */

  let hitAt = -1;

  function search() {
    const words = find('find').value.trim().toLowerCase();
    hits = [];
    if (words)
      for (let i = 0; i < n; i++)
        if ([name, data.id, data.outcome].some((list) => list && list[i].toLowerCase().includes(words))) hits.push(i);
    hitSet = new Set(hits);
    hitsBefore = words ? new Int32Array(n + 1) : null;
    if (words) for (let i = 0; i < n; i++) hitsBefore[i + 1] = hitsBefore[i] + (hitSet.has(i) ? 1 : 0);
    hitAt = -1;
    if (hits.length > 0) nextHit(1);
    else {
      find('found').textContent = words ? 'not found' : '';
      rebuild();
    }
  }

  function nextHit(direction) {
    if (hits.length === 0) return;
    hitAt = (hitAt + direction + hits.length) % hits.length;
    find('found').textContent = `${hitAt + 1} of ${hits.length}`;
    goTo(hits[hitAt]);
  }

  /* --- keys, mouse, fingers --- */

  function nextShown(i, direction) {
    const at = shown.indexOf(i) + direction;
    return shown[Math.min(shown.length - 1, Math.max(0, at))];
  }

  const keys = {
    ArrowDown: (i) => nextShown(i, 1),
    ArrowUp: (i) => nextShown(i, -1),
    ArrowRight: (i) => {
      if (kids[i] === 0) return i;
      if (isOpen(i)) return i + 1;
      toggle(i);
      return i;
    },
    ArrowLeft: (i) => {
      if (isOpen(i)) toggle(i);
      else return Math.max(0, parent[i]);
      return i;
    },
    Home: () => 0,
    End: () => shown[shown.length - 1],
    Enter: (i) => {
      if (kids[i] > 0) toggle(i);
      return i;
    }
  };
  keys[' '] = keys.Enter;

  nodes.addEventListener('keydown', (event) => {
    const key = keys[event.key];
    if (!key || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const i = key(chosen);
    show(i);
    choose(i, true);
  });

  document.addEventListener('keydown', (event) => {
    if (event.target === find('find') || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '+' || event.key === '=') zoomMiddle(1.25);
    else if (event.key === '-') zoomMiddle(.8);
    else if (event.key === '0') fit(0);
    else if (event.key === '/') find('find').focus();
    else return;
    event.preventDefault();
  });

  const fingers = new Map();
  let moved = 0;

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    if (fingers.size === 0) moved = 0;
    fingers.set(event.pointerId, {x: event.offsetX, y: event.offsetY});
  });
  canvas.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const box = canvas.getBoundingClientRect(), now = {x: event.clientX - box.left, y: event.clientY - box.top};
    const dx = now.x - before.x, dy = now.y - before.y;
    moved += Math.abs(dx) + Math.abs(dy);
    if (moved < 5) return;
    canvas.setPointerCapture(event.pointerId);
    canvas.classList.add('dragged');
    if (fingers.size === 2) {
      const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      const apart = Math.hypot(before.x - other.x, before.y - other.y) || 1;
      zoom(Math.hypot(now.x - other.x, now.y - other.y) / apart, (now.x + other.x) / 2, (now.y + other.y) / 2);
    }
    view.x += dx / fingers.size;
    view.y += dy / fingers.size;
    fingers.set(event.pointerId, now);
    repaint();
  });
  for (const name of ['pointerup', 'pointercancel'])
    canvas.addEventListener(name, (event) => {
      fingers.delete(event.pointerId);
      if (fingers.size === 0) canvas.classList.remove('dragged');
    });
  canvas.addEventListener('wheel', (event) => {
    const box = canvas.getBoundingClientRect();
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? .05 : .0016)), event.clientX - box.left, event.clientY - box.top);
  }, {passive: false});
  canvas.addEventListener('click', (event) => {
    const hit = event.target.closest('.node');
    if (!hit || moved >= 5) return;
    const i = Number(hit.id.slice(1));
    if (kids[i] > 0) toggle(i);
    choose(i, true);
  });

  /* Folds all but what keep() opens; the chosen node goes up to where it can be seen. */
  function fold(keep) {
    open.fill(0);
    keep();
    while (chosen > 0 && !open[parent[chosen]]) chosen = parent[chosen];
    rebuild(() => fit(.65));
    describe();
  }

  const buttons = {
    open: () => {
      open.fill(1);
      rebuild(() => {
        if (!fit(.65)) centre(chosen > 0 || !data.path ? chosen : data.path[data.path.length - 1]);
      });
    },
    close: () => fold(() => {}),
    path: () => fold(openPath),
    out: () => zoomMiddle(.8),
    in: () => zoomMiddle(1.25),
    fit: () => fit(0)
  };
  for (const id in buttons) find(id).addEventListener('click', buttons[id]);
  find('path').hidden = !data.path;
  find('find').addEventListener('input', search);
  find('find').addEventListener('keydown', (event) => {
    if (event.key === 'Enter') nextHit(event.shiftKey ? -1 : 1);
    if (event.key === 'Escape') {
      find('find').value = '';
      search();
    }
  });
  window.addEventListener('resize', repaint);

  /* Paper gets the whole of what is open, every node of it, unless that would be hundreds of pages. */
  window.addEventListener('beforeprint', () => {
    if (shown.length > BUDGET) return;
    for (const i of shown)
      if (!painted.has(i)) {
        painted.set(i, makeNode(i));
        nodes.append(painted.get(i));
      }
    const inner = shown.filter((i) => i > 0);
    find('lines').setAttribute('d', inner.filter((i) => !onPath[i]).map(curve).join(''));
    find('way').setAttribute('d', inner.filter((i) => onPath[i]).map(curve).join(''));
    canvas.setAttribute('viewBox', `-2 -2 ${right + 4} ${bottom + 4}`);
    world.removeAttribute('transform');
  });
  window.addEventListener('afterprint', () => {
    canvas.removeAttribute('viewBox');
    paint();
  });

  openPath();
  openWithin(Math.max(16, Math.floor((canvas.getBoundingClientRect().height - 60) / ROW)));
  fillPanel();
  layOut();
  fit(.65);
  paint();
  describe();
})();
