/* Draws the charts of a page from its JSON with the Chart.js that the admin's look brings, in the colours of the page. */

const drawn = [];
const COLOURS = {
  light: ["#7c3aed", "#0891b2", "#d97706", "#dc2626", "#64748b"],
  dark: ["#c084fc", "#22d3ee", "#fbbf24", "#f87171", "#94a3b8"],
};
const SHARES = new Set(["percent"]);

const isDark = () => document.documentElement.classList.contains("dark");
const shown = (value, unit) => {
  if (value === null || value === undefined) return "—";
  const text = value.toLocaleString(undefined, { maximumFractionDigits: 4 });
  if (unit === "percent") return `${text}%`;
  return unit === "money" ? `¥${text}` : text;
};

function datasets({ kind, series }) {
  const colours = COLOURS[isDark() ? "dark" : "light"];
  return series.map((each, at) => ({
    label: each.name,
    data: each.values,
    borderColor: colours[at % colours.length],
    backgroundColor: colours[at % colours.length],
    borderWidth: kind === "line" ? 2 : 0,
    pointRadius: each.values.length > 31 ? 0 : 2,
    tension: 0.2,
    spanGaps: true,
  }));
}

function options({ kind, series }) {
  const text = isDark() ? "#d1d5db" : "#4b5563";
  const line = isDark() ? "#374151" : "#e5e7eb";
  const unit = series[0]?.unit;
  const stacked = kind === "bar" && series.length > 2;
  return {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    plugins: {
      legend: { display: series.length > 1, position: "bottom", labels: { color: text, boxWidth: 12, boxHeight: 12 } },
      tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${shown(item.raw, series[item.datasetIndex].unit)}` } },
    },
    scales: {
      x: { stacked, grid: { display: false }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 16 } },
      y: {
        stacked,
        beginAtZero: true,
        suggestedMax: SHARES.has(unit) ? 1 : undefined,
        grid: { color: line },
        ticks: { color: text, callback: (value) => shown(value, unit) },
      },
    },
  };
}

function draw() {
  for (const chart of drawn.splice(0)) chart.destroy();
  const charts = JSON.parse(document.getElementById("charts").textContent);
  for (const [id, data] of Object.entries(charts)) {
    const canvas = document.getElementById(id);
    if (!canvas) continue;
    const labels = data.days.map((day) => day.slice(5));
    drawn.push(new window.Chart(canvas, { type: data.kind, data: { labels, datasets: datasets(data) }, options: options(data) }));
  }
}

draw();
new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
window.addEventListener("beforeprint", () => drawn.forEach((chart) => chart.resize(680, 220)));
window.addEventListener("afterprint", () => drawn.forEach((chart) => chart.resize()));
