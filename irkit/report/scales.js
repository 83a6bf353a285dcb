// Scales of charts, with ticks at round numbers.

function linear(low, high, from, to) {
  if (low === high) [low, high] = [low - (Math.abs(low) * 0.1 || 0.1), high + (Math.abs(high) * 0.1 || 0.1)];
  const step = nice((high - low) / 5);
  const start = Math.floor(low / step + 1e-9) * step;
  const end = Math.ceil(high / step - 1e-9) * step;
  const scale = (value) => from + ((value - start) / (end - start)) * (to - from);
  scale.ticks = Array.from({ length: Math.round((end - start) / step) + 1 }, (_, i) => {
    const tick = start + i * step;
    return Math.abs(tick) < step / 1e6 ? 0 : tick;
  });
  scale.digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return scale;
}

function logarithmic(low, high, from, to) {
  const [start, end] = low === high ? [low / 2, high * 2] : [low, high];
  const scale = (value) => from + (Math.log(value / start) / Math.log(end / start)) * (to - from);
  const decades = Math.log10(end / start);
  const steps = decades > 4 ? [1] : decades > 1.5 ? [1, 3] : decades > 1 ? [1, 2, 5] : decades > 0.5 ? [1, 2, 3, 5, 7] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9];
  scale.ticks = [];
  for (let power = Math.floor(Math.log10(start)); power <= Math.log10(end); power += 1) {
    for (const step of steps) {
      const tick = Number((step * 10 ** power).toPrecision(2));
      if (tick >= start * 0.999 && tick <= end * 1.001) scale.ticks.push(tick);
    }
  }
  return scale;
}

function nice(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= step * 0.999);
}
