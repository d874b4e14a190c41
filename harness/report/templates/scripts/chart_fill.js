// What depends on the figures, put into a drawing of one kind: points, scales, ticks, height.
const chartFill = (() => {
  const LINE_HEIGHT = 15;

  /** Calls `change` with each channel of each layer that has a scale of its own. */
  function channels(drawing, names, change) {
    for (const layer of drawing.layer) {
      for (const name of names) {
        const channel = layer.encoding?.[name];
        if (channel && (channel.field || channel.condition)) change(channel);
      }
    }
  }

  function axis(drawing, name, scale, values, labels = null) {
    channels(drawing, [name], (channel) => {
      channel.scale = { ...channel.scale, ...scale };
      if (channel.axis) Object.assign(channel.axis, { values }, labels ? { labelExpr: labels } : {});
    });
  }

  /** Each variant has one colour and one shape on the whole page. */
  function looksOf(drawing, rows) {
    const shown = [...new Set(rows.map((row) => row.variant))];
    const range = (what) => ({ domain: shown, range: shown.map((variant) => looks.get(variant)[what]) });
    channels(drawing, ["color", "fill", "stroke"], (channel) => {
      for (const one of [channel, channel.condition]) if (one?.field === "variant") one.scale = range("colour");
    });
    channels(drawing, ["shape"], (channel) => { channel.scale = range("shape"); });
  }

  function errorAxis(drawing, rows, ticks) {
    const { exact, decades, hasExact } = scales.errors(rows.map((row) => row.error));
    const labels = hasExact ? `datum.value < ${exact * 2} ? 'exact' : ${ticks.ERROR}` : ticks.ERROR;
    axis(drawing, "y", { domain: [decades[0], decades.at(-1)] }, decades, labels);
    return rows.map((row) => ({ ...row, error: row.error || exact }));
  }

  function latency(drawing, rows) {
    const extent = rows.flatMap((row) => [row.median, row.low, row.high]);
    const middle = scales.middle(extent);
    const places = [...new Set(rows.map((row) => row.place))];
    const variants = page.names.variant.map(([name]) => name);
    const points = rows.map((row) => ({ ...row, line: `${row.place}\n${row.variant}`, right: row.median > middle, beside: row.median > middle ? row.low : row.high }));
    const inOrder = (place) => points.filter((row) => row.place === place).sort((left, right) => variants.indexOf(left.variant) - variants.indexOf(right.variant));
    const lines = places.flatMap((place) => [place, ...new Set(inOrder(place).map((row) => row.line))]);
    axis(drawing, "x", scales.scale(extent), scales.ticks(extent, 10));
    channels(drawing, ["y"], (channel) => { channel.scale = { type: "band", domain: lines }; });
    drawing.height = lines.length * LINE_HEIGHT;
    drawing.datasets = { points, headings: places.map((line) => ({ line })) };
    return scales.isWide(extent);
  }

  function tradeOff(drawing, rows, ticks) {
    const times = rows.map((row) => row.median);
    axis(drawing, "x", scales.scale(times), scales.ticks(times, 10));
    drawing.datasets = { points: errorAxis(drawing, rows, ticks) };
    return scales.isWide(times);
  }

  function sizes(drawing, rows, ticks) {
    const bytes = rows.map((row) => row.bytes);
    axis(drawing, "x", scales.scale(bytes), scales.ticks(bytes, 2));
    drawing.datasets = { points: familiesNamed(errorAxis(drawing, rows, ticks), Math.max(...bytes)) };
    return scales.isWide(bytes);
  }

  /** The family beneath a point, where there are files for more than one. Points that lie together get one name, under the
   * lowest of them, or the names would be written over one another. */
  function familiesNamed(rows, largest) {
    if (new Set(rows.map((row) => row.family)).size < 2) return rows.map((row) => ({ ...row, label: "" }));
    const decades = Math.log10(Math.max(...rows.map((row) => row.error)) / Math.min(...rows.map((row) => row.error))) || 1;
    const groups = [];
    for (const row of rows) {
      const near = groups.find(([first]) => Math.abs(row.bytes - first.bytes) < 0.12 * largest && Math.abs(Math.log10(row.error / first.error)) / decades < 0.1);
      if (near) near.push(row); else groups.push([row]);
    }
    return groups.flatMap((group) => {
      const lowest = group.reduce((best, row) => (row.error < best.error ? row : best));
      return group.map((row) => ({ ...row, label: row === lowest ? [...new Set(group.map((one) => one.family))].join(", ") : "" }));
    });
  }

  const KINDS = { latency, "trade-off": tradeOff, sizes };

  return {
    axis,
    /** `drawing` is changed; whether its axis of figures is logarithmic. */
    fill(kind, drawing, rows, ticks) {
      looksOf(drawing, rows);
      return KINDS[kind](drawing, rows, ticks);
    },
  };
})();
