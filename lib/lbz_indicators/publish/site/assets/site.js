"use strict";
(() => {
  const site = JSON.parse(document.getElementById("site-data").textContent);
  const options = { displayModeBar: false, responsive: true };
  const select = document.getElementById("hospital");
  const page = document.getElementById("hospital-page");

  const make = (name, text, parent) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (parent) parent.append(element);
    return element;
  };

  const draw = (element, chart) => Plotly.newPlot(element, chart.data, chart.layout, options);

  const addTable = (table, parent) => {
    const scroll = make("div", undefined, parent);
    scroll.className = "scroll";
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", table.caption);
    const element = make("table", undefined, scroll);
    make("caption", table.caption, element);
    const head = make("tr", undefined, make("thead", undefined, element));
    for (const text of table.head) make("th", text, head).scope = "col";
    const body = make("tbody", undefined, element);
    table.rows.forEach((cells, place) => {
      const row = make("tr", undefined, body);
      if (table.strong.includes(place)) row.className = "strong";
      cells.forEach((text, column) => {
        const cell = make(column ? "td" : "th", text, row);
        if (!column) cell.scope = "row";
      });
    });
  };

  const addBlock = (block, parent) => {
    if (block.text !== undefined) make("p", block.text, parent);
    if (block.chart) {
      const figure = make("figure", undefined, parent);
      make("figcaption", block.caption, figure);
      const chart = make("div", undefined, figure);
      chart.className = "chart";
      chart.setAttribute("role", "img");
      chart.setAttribute("aria-label", block.alt);
      draw(chart, block.chart);
    }
    if (block.table && block.chart) {
      const details = make("details", undefined, parent);
      make("summary", site.words.table, details);
      addTable(block.table, details);
    } else if (block.table) {
      addTable(block.table, parent);
    }
  };

  const mark = (place) => {
    for (const element of document.querySelectorAll("[data-funnel]")) {
      const traces = element.data;
      const found = { x: [], y: [] };
      for (const trace of traces) {
        const at = (trace.customdata || []).indexOf(place);
        if (at >= 0) { found.x.push(trace.x[at]); found.y.push(trace.y[at]); }
      }
      Plotly.restyle(element, { x: [found.x], y: [found.y], showlegend: found.x.length > 0 }, [traces.length - 1]);
    }
  };

  const choose = (place) => {
    for (const drawn of page.querySelectorAll(".chart")) Plotly.purge(drawn);
    page.replaceChildren();
    mark(place);
    const hospital = site.hospitals[place];
    if (!hospital) {
      make("p", site.words.none, page);
      return;
    }
    make("h3", hospital.name, page);
    for (const block of hospital.blocks) addBlock(block, page);
  };

  for (const element of document.querySelectorAll("[data-chart]")) {
    draw(element, site.charts[element.dataset.chart]).then(() => {
      element.on("plotly_click", (event) => {
        const place = event.points[0].customdata;
        if (typeof place !== "number") return;
        select.value = String(place);
        choose(place);
        document.getElementById("hospital-title").focus();
      });
    });
  }

  select.addEventListener("change", () => choose(select.value === "" ? -1 : Number(select.value)));

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
})();
