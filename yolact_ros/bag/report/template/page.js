'use strict';
(() => {
  const filter = document.getElementById('filter');
  const select = document.getElementById('class');
  const shown = document.getElementById('shown');
  const all = (selector) => [...document.querySelectorAll(selector)];
  const groups = new Map();
  for (const chart of all('[data-chart]')) {
    const name = chart.dataset.chart;
    groups.set(name, [...(groups.get(name) || []), chart]);
  }
  const cards = all('.card');

  function show(chosen) {
    for (const charts of groups.values()) {
      const has = charts.some((chart) => chart.dataset.only === chosen);
      for (const chart of charts) chart.hidden = chart.dataset.only !== (has ? chosen : '');
    }
    for (const part of all('[data-class]')) {
      part.classList.toggle('off', chosen !== '' && part.dataset.class !== chosen);
    }
    for (const card of cards) {
      card.hidden = chosen !== '' && !card.dataset.classes.split(' ').includes(chosen);
    }
    const count = cards.filter((card) => !card.hidden).length;
    shown.textContent = `${count} of ${cards.length} images`;
  }

  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.hidden) {
      select.value = '';
      show('');
      target.scrollIntoView();
    }
  }

  filter.hidden = false;
  filter.addEventListener('submit', (event) => event.preventDefault());
  select.addEventListener('change', () => show(select.value));
  window.addEventListener('hashchange', reveal);
  show(select.value);
  reveal();
})();
