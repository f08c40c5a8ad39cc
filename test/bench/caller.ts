/**
 * One keep-alive HTTP/1.1 connection that posts one body after another: what the load generator needs of HTTP and no more, so that on a
 * machine where it shares the cores with the nodes the nodes get most of them. Understands answers with a content-length, which are all
 * that this API gives.
 */
import { connect, type Socket } from 'node:net'

const headEnd = Buffer.from('\r\n\r\n')

export interface Answer {
  readonly status: number
  readonly body: Buffer
}

export class Caller {
  readonly #socket: Socket
  readonly #head: string
  #answer: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined
  #received: Buffer = Buffer.alloc(0)
  /** Bytes of the answer under way, head included; 0 until its head is there. */
  #expected = 0
  #headBytes = 0
  #status = 0

  /** @param url of the node; @param path of all posts */
  constructor(url: string, path: string, mediaType: string) {
    const { hostname, port, host } = new URL(url)
    this.#head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: ${mediaType}\r\ncontent-length: `
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.#socket.on('data', (chunk) => this.#take(chunk))
    this.#socket.on('error', (error) => this.#answer?.reject(error))
    this.#socket.on('close', () => this.#answer?.reject(new Error('the node closed the connection')))
  }

  /** @param body ASCII. Resolves when the whole answer is there; one at a time. */
  post(body: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject }
      this.#socket.write(`${this.#head}${body.length}\r\n\r\n${body}`, 'latin1')
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    if (this.#expected === 0) {
      const end = this.#received.indexOf(headEnd)
      if (end < 0) return
      const head = this.#received.toString('latin1', 0, end)
      this.#status = Number(head.slice(9, 12))
      this.#headBytes = end + headEnd.length
      this.#expected = this.#headBytes + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1])
    }
    if (this.#received.length < this.#expected) return
    const answer = this.#answer
    const body = this.#received.subarray(this.#headBytes)
    this.#answer = undefined
    this.#received = Buffer.alloc(0)
    this.#expected = 0
    answer?.resolve({ status: this.#status, body })
  }
}
