/** A wire that can be cut, frozen and scratched: a TCP proxy on 127.0.0.1 between a dialling node and a listening one. */

import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

export class TcpProxy {
  /** Multiaddr to dial instead of the target's. */
  readonly address: string
  private readonly server: Server
  private readonly sockets = new Set<Socket>()
  private isFrozen = false
  private scratch: ((chunk: Buffer) => Buffer) | undefined

  static async to(targetAddress: string): Promise<TcpProxy> {
    const targetPort = Number(targetAddress.split('/')[4])
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new TcpProxy(server, targetPort)
  }

  private constructor(server: Server, targetPort: number) {
    this.server = server
    this.address = `/ip4/127.0.0.1/tcp/${(server.address() as { port: number }).port}`
    server.on('connection', (from) => {
      const to = connect(targetPort, '127.0.0.1')
      this.join(from, to)
      this.join(to, from)
    })
  }

  get connections(): number {
    return this.sockets.size / 2
  }

  /** Ends what is connected; new connections go through. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  /** From now on nothing goes through, and nobody is told. */
  freeze(isFrozen: boolean): void {
    this.isFrozen = isFrozen
  }

  /** Changes what passes through. */
  scratchWith(scratch: ((chunk: Buffer) => Buffer) | undefined): void {
    this.scratch = scratch
  }

  async close(): Promise<void> {
    this.cut()
    this.server.close()
    await once(this.server, 'close')
  }

  private join(from: Socket, to: Socket): void {
    this.sockets.add(from)
    from.setNoDelay(true)
    from.on('data', (chunk) => {
      if (!this.isFrozen && !to.destroyed) to.write(this.scratch?.(chunk) ?? chunk)
    })
    from.on('error', () => undefined)
    from.on('close', () => {
      this.sockets.delete(from)
      if (!this.isFrozen) to.destroy()
    })
  }
}
