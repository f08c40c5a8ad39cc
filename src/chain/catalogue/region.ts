/**
 * Regions (GB/T 2260): two digits for the province, two for the city, two for the county; zeros at the end stand for all of it. The four
 * municipalities are provinces and cities at once.
 */

const municipalities = new Set(['11', '12', '31', '50'])

/** Whether a region lies in another, or is it: 440000 covers 440100 covers 440106. */
export function covers(whole: string, region: string): boolean {
  if (whole.endsWith('0000')) return region.startsWith(whole.slice(0, 2))
  if (whole.endsWith('00')) return region.startsWith(whole.slice(0, 4))
  return region === whole
}

/** The city that a region is or lies in; a province without a city named stands for itself. */
export function cityOf(region: string): string {
  const province = region.slice(0, 2)
  return municipalities.has(province) ? `${province}0000` : `${region.slice(0, 4)}00`
}
