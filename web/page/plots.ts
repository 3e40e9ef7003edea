// What a training shows as it goes on: curves, and the classifier's rows on their sphere. Drawn with attributes alone, as the page's policy
// allows no inline styles.

const namespace = 'http://www.w3.org/2000/svg';
const width = 240;
const height = 120;

function svg(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...children: (Node | string)[]
): SVGElement {
  const made = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/** One figure over the steps. */
export class Curve {
  private readonly points: (readonly [number, number])[] = [];

  constructor(
    private readonly place: HTMLElement,
    private readonly name: string,
    private readonly unit = '',
  ) {
    this.draw();
  }

  clear(): void {
    this.points.length = 0;
    this.draw();
  }

  add(iteration: number, value: number | null | undefined): void {
    if (value === null || value === undefined || !Number.isFinite(value)) return;
    this.points.push([iteration, value]);
    this.draw();
  }

  private draw(): void {
    const last = this.points.at(-1);
    const text = last === undefined ? '–' : `${last[1].toPrecision(3)}${this.unit}`;
    const label = `${this.name}: ${last === undefined ? 'nothing yet' : `${text} after ${last[0]} steps`}`;
    const frame = svg('rect', { class: 'frame', x: 0.5, y: 0.5, width: width - 1, height: height - 1 });
    const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label }, frame);
    if (this.points.length > 1) picture.append(...this.line());
    const caption = document.createElement('figcaption');
    const value = document.createElement('b');
    value.textContent = text;
    caption.append(`${this.name} `, value);
    this.place.replaceChildren(picture, caption);
  }

  private line(): SVGElement[] {
    const values = this.points.map(([, value]) => value);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const [first, last] = [this.points[0]![0], this.points.at(-1)![0]];
    const margin = 14;
    const x = (iteration: number) => ((iteration - first) / (last - first)) * (width - 8) + 4;
    const y = (value: number) =>
      high === low ? height / 2 : height - margin - ((value - low) / (high - low)) * (height - 2 * margin);
    const places = this.points.map(([iteration, value]) => `${x(iteration).toFixed(1)},${y(value).toFixed(1)}`);
    return [
      svg('polyline', { class: 'line', points: places.join(' ') }),
      svg('text', { x: width - 5, y: 12, 'text-anchor': 'end' }, high.toPrecision(3)),
      svg('text', { x: width - 5, y: height - 4, 'text-anchor': 'end' }, low.toPrecision(3)),
    ];
  }
}

/** The sphere, seen along its two principal axes. */
export function drawSphere(
  place: HTMLElement,
  points: readonly (readonly [number, number])[],
  names: readonly string[],
): void {
  const radius = 56;
  const dots = points.map(([x, y], i) =>
    svg('circle', { class: 'point', cx: x * radius, cy: -y * radius, r: 2.6 }, svg('title', {}, names[i] ?? '')),
  );
  const label = `The classifier's sphere with ${points.length} people`;
  const viewBox = `${-width / 2} ${-height / 2} ${width} ${height}`;
  const outline = svg('circle', { class: 'frame', r: radius });
  const caption = document.createElement('figcaption');
  caption.textContent = "The classifier's sphere along its two main axes, a point a person";
  place.replaceChildren(svg('svg', { viewBox, role: 'img', 'aria-label': label }, outline, ...dots), caption);
}
