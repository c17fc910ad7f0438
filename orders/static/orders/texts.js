// Texts with values in them.

/** A text whose %(name)s are filled in. */
export function fillIn(template, values) {
  return interpolate(template, values, true);
}
