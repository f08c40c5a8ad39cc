/**
 * A node or file server as a source. Every request has a time-out and few attempts, every answer is counted while it comes and dropped when it is
 * longer than its file can be; and all requests together have patience that grows only with what was delivered, so that a server that drips
 * cannot hold an audit for ever. Redirects are not followed: a stranger does not choose whom we ask.
 */
import { type Agent, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { concat } from '../../chain/bytes.ts'
import { NoAnswer, type Source, WrongAnswer } from './source.ts'

export interface HttpSourceOptions {
  readonly url: string
  /** Milliseconds in all that a source may keep us waiting beyond what its answers are worth. */
  readonly patienceMs?: number
  /** For one request. */
  readonly timeoutMs?: number
  /** Before the second attempt; doubled before the third. */
  readonly pauseMs?: number
}

export interface HttpSourceDependencies {
  /** Milliseconds, never going back. */
  readonly now?: () => number
}

const attemptsMax = 3
/** One that answers "too many requests" says how long to wait, and is asked again after at most so long. */
const retryAfterMsMax = 60_000
/** What an answer is worth, and each byte of it: 64 KiB a second are a slow line. */
const patiencePerAnswerMs = 1_000
const patiencePerByteMs = 1_000 / 65_536

export class HttpSource implements Source {
  readonly name: string
  readonly #options: Required<HttpSourceOptions>
  readonly #agent: Agent
  readonly #now: () => number
  #spentMs = 0
  #earnedMs = 0
  #gaveUp: NoAnswer | undefined

  constructor(options: HttpSourceOptions, dependencies: HttpSourceDependencies = {}) {
    this.name = options.url
    this.#options = {
      patienceMs: 120_000,
      timeoutMs: 60_000,
      pauseMs: 500,
      ...options,
      url: options.url.replace(/\/+$/, ''),
    }
    this.#agent = isHttps(options.url) ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true })
    this.#now = dependencies.now ?? (() => performance.now())
  }

  async get(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
    for (let attempt = 1; ; attempt++) {
      if (this.#gaveUp !== undefined) throw this.#gaveUp
      const begun = this.#now()
      try {
        const answer = await this.#ask(path, bytesMax)
        if (answer.kind === 'done') {
          this.#earnedMs += patiencePerAnswerMs + patiencePerByteMs * (answer.bytes?.length ?? 0)
          return answer.bytes
        }
        this.#giveUpIf(attempt >= attemptsMax, `${path}: ${answer.why}`)
        await pause(Math.max(answer.afterMs, this.#options.pauseMs * 2 ** (attempt - 1)))
      } finally {
        this.#spentMs += this.#now() - begun
        const { patienceMs } = this.#options
        this.#giveUpIf(this.#spentMs > patienceMs + this.#earnedMs, 'it answers too slowly for this to end')
      }
    }
  }

  #giveUpIf(isOver: boolean, why: string): void {
    if (!isOver || this.#gaveUp !== undefined) return
    this.#gaveUp = new NoAnswer(why)
  }

  async #ask(path: string, bytesMax: number): Promise<Asked> {
    const { url, timeoutMs } = this.#options
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const response = await this.#begin(`${url}/${path}`, signal)
      const status = response.statusCode!
      if (status === 200) return { kind: 'done', bytes: await readBounded(response, path, bytesMax) }
      // Whatever it says beside its status is not worth reading; the connection goes with it.
      response.destroy()
      if (status === 404 || status === 410) return { kind: 'done', bytes: undefined }
      const seconds = Number(response.headers['retry-after'] ?? '0')
      const afterMs = Number.isFinite(seconds) ? Math.min(Math.max(0, seconds) * 1_000, retryAfterMsMax) : 0
      return { kind: 'again', why: `status ${status}`, afterMs }
    } catch (error) {
      if (error instanceof WrongAnswer) throw error
      return { kind: 'again', why: signal.aborted ? `nothing within ${timeoutMs} ms` : reasonOf(error), afterMs: 0 }
    }
  }

  /** Node's own client and not `fetch`: an audit asks twenty times for a thousand records, and `fetch` costs two to three times as much. */
  #begin(url: string, signal: AbortSignal): Promise<IncomingMessage> {
    const options = { agent: this.#agent, signal, headers }
    return new Promise((resolve, reject) => {
      const asking = isHttps(url) ? httpsRequest(url, options, resolve) : httpRequest(url, options, resolve)
      asking.on('error', reject)
      asking.end()
    })
  }
}

const isHttps = (url: string): boolean => url.startsWith('https:')

const headers = {
  // A node's single blocks are JSON unless their own bytes are asked for.
  accept: 'application/octet-stream, application/cbor, text/plain, */*;q=0.1',
  // Hashes and signatures do not become smaller.
  'accept-encoding': 'identity',
}

type Asked =
  | { readonly kind: 'done'; readonly bytes: Uint8Array | undefined }
  | { readonly kind: 'again'; readonly why: string; readonly afterMs: number }

/** Counts what comes out of unpacking, so that a small answer cannot become a large one. */
async function readBounded(response: IncomingMessage, path: string, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of unpacked(response) as AsyncIterable<Uint8Array>) {
    length += chunk.length
    // Leaving the loop ends the connection.
    if (length > bytesMax) throw new WrongAnswer(`${path} has more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return concat(...chunks)
}

/** Some proxies pack what nobody asked them to. */
function unpacked(response: IncomingMessage): Readable {
  if (response.headers['content-encoding'] !== 'gzip') return response
  // Whoever reads gets the errors of both.
  return pipeline(response, createGunzip(), () => undefined)
}

const reasonOf = (error: unknown): string => {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : String(message)
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
