/**
 * The lines between members, each direction of which can be cut by itself. Every member dials every other through a relay of its own on
 * loopback; a cut holds back what one side says and lets through what the other says, on the connections that stand and on new ones. Nothing
 * is said to either side: bytes wait, ends of connections too, and what waited arrives when the line is whole again, as it would by TCP's
 * own repetition.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** One direction of one connection. */
class Flow {
  readonly #source: Socket
  readonly #target: Socket
  readonly #name: string
  readonly #isCut: () => boolean
  #ended = false

  constructor(source: Socket, target: Socket, name: string, isCut: () => boolean) {
    this.#source = source
    this.#target = target
    this.#name = name
    this.#isCut = isCut
    source.setNoDelay(true)
    source.on('data', (chunk) => {
      if (!target.destroyed && !target.write(chunk)) source.pause()
    })
    target.on('drain', () => this.update())
    source.on('error', () => undefined)
    source.on('close', () => {
      this.#ended = true
      this.update()
    })
    this.update()
  }

  get name(): string {
    return this.#name
  }

  update(): void {
    if (this.#isCut()) {
      this.#source.pause()
    } else if (this.#ended) {
      this.#target.destroy()
    } else {
      this.#source.resume()
    }
  }
}

export class Wires {
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #flows = new Set<Flow>()
  readonly #cut = new Set<string>()

  /** A port on loopback through which `from` reaches what listens for `to`. */
  async lay(from: string, to: string, targetPort: number): Promise<number> {
    const server = createServer((dialler) => {
      const listener = connect(targetPort, '127.0.0.1')
      for (const socket of [dialler, listener]) {
        this.#sockets.add(socket)
        socket.once('close', () => this.#sockets.delete(socket))
      }
      this.#flow(dialler, listener, `${from} ${to}`)
      this.#flow(listener, dialler, `${to} ${from}`)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#servers.push(server)
    return (server.address() as { readonly port: number }).port
  }

  /** From now on nothing that `from` says reaches `to`. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from} ${to}`)
    this.#update()
  }

  heal(): void {
    this.#cut.clear()
    this.#update()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }

  #flow(source: Socket, target: Socket, name: string): void {
    const flow = new Flow(source, target, name, () => this.#cut.has(name))
    this.#flows.add(flow)
    // Kept while held up: its end still has to arrive.
    target.once('close', () => this.#flows.delete(flow))
  }

  #update(): void {
    for (const flow of this.#flows) flow.update()
  }
}
