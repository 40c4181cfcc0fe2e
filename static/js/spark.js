/**
 * A line of the last minute, drawn small. It knows no server: it is given numbers.
 */

export const SECONDS = 60;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} values one a second, oldest first
 */
export function spark(canvas, values) {
  const ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (!width) return;
  if (canvas.width !== Math.round(width * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const style = getComputedStyle(canvas);
  const most = Math.max(1, ...values);
  const x = (at) => width - ((values.length - 1 - at) * width) / (SECONDS - 1);
  const y = (value) => height - 1.5 - (value / most) * (height - 4);
  context.globalAlpha = 0.25;
  context.fillStyle = style.color;
  context.fillRect(0, height - 1.5, width, 1);
  context.globalAlpha = 1;
  context.lineJoin = "round";
  context.lineWidth = 1.4;
  context.strokeStyle = style.color;
  context.beginPath();
  values.forEach((value, at) => (at ? context.lineTo(x(at), y(value)) : context.moveTo(x(at), y(value))));
  context.stroke();
  context.lineTo(width, height);
  context.lineTo(x(0), height);
  context.globalAlpha = 0.12;
  context.fill();
  context.globalAlpha = 1;
}
