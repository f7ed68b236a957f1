/** The outcome of the conformance scenarios by area, with the reasons of the explained differences. */
export function conformanceTable(jsonLines) {
  const outcomes = jsonLines
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const areas = [...new Set(outcomes.map(({ area }) => area))].sort();
  const count = (area, outcome) =>
    outcomes.filter(
      (one) => (area === null || one.area === area) && (outcome === null || one.outcome === outcome),
    ).length;
  const row = (name, area) => [
    name,
    count(area, null),
    count(area, "same"),
    count(area, "explained"),
    count(area, "unexplained"),
  ];
  const rows = [
    ["Conformance with Supervisor", "scenarios", "same", "explained", "unexplained"],
    ...areas.map((area) => row(area, area)),
    row("all", null),
  ];
  const lines = rows.map(([name, ...numbers]) =>
    [String(name).padEnd(28), ...numbers.map((number) => String(number).padStart(12))].join(""),
  );
  const explained = outcomes.filter(({ outcome }) => outcome === "explained");
  const unexplained = outcomes.filter(({ outcome }) => outcome === "unexplained");
  return [
    ...lines,
    ...explained.map(({ area, name, reason }) => `  explained    ${area}: ${name}: ${reason}`),
    ...unexplained.map(({ area, name }) => `  unexplained  ${area}: ${name}`),
  ].join("\n");
}
