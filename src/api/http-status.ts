/**
 * The HTTP status for every stable code: by the code's area, with exceptions by name. Free of Fastify, so that documents and clients
 * can use it. The statuses answer one question for a program — whose turn is it? 400: the request cannot be read as it is; 403: this
 * key may not; 409: it contradicts what is there; 413: too big; 422: it was understood and a rule refuses it; 429 and 503: nothing is
 * wrong with it, try again; 500: ours.
 */

/** By area, the part of the code before the dot. An area not named here is a rule of some record type: 422. */
const statusByArea: Readonly<Record<string, number>> = {
  request: 400,
  json: 400,
  statement: 400,
  route: 404,
  record: 404,
  proof: 404,
  block: 404,
  tile: 404,
  key: 403,
  role: 403,
  node: 503,
  ledger: 503,
  events: 503,
  internal: 500,
}

const statusByCode: Readonly<Record<string, number>> = {
  'request.headers-too-large': 431,
  'request.timeout': 408,
  'request.too-large': 413,
  'request.unsupported-media-type': 415,
  'request.unsupported-encoding': 415,
  'request.file-not-taken': 415,
  'request.too-many': 429,
  'request.forbidden-origin': 403,
  'request.refused': 422,
  'route.method-not-allowed': 405,
  'party.not-found': 404,
  'epoch.not-found': 404,
  'fault.not-found': 404,
  'subject.not-found': 404,
  'box.not-closed': 404,
  'box.not-open': 409,
  'checkpoint.not-yet': 503,
  'statement.too-large': 413,
  'statement.wrong-ledger': 422,
  'statement.key-reused': 409,
  'key.already-registered': 409,
  'key.not-acceptable': 422,
}

export function httpStatusOf(code: string): number {
  return statusByCode[code] ?? statusByArea[code.slice(0, code.indexOf('.'))] ?? 422
}
