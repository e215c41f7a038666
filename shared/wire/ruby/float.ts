/** `Float#to_s`: `1.0`, `1.0e+15`, `1.0e-05`. */
export function float(value: number): string {
  const [digits = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (value !== 0 && (exponent < -4 || exponent >= 15)) {
    const sign = exponent < 0 ? '-' : '+';
    return `${digits.includes('.') ? digits : `${digits}.0`}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  if (Object.is(value, -0)) return '-0.0';
  // JavaScript writes an exponent only for what is smaller than 1e-6, or 1e21 and more.
  const text = String(value);
  return text.includes('.') ? text : `${text}.0`;
}
