/** A cut is really one-way: what one side says is held back, what the other says arrives, and nothing is lost when it is whole again. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../end-to-end/cluster.ts'
import { Wires } from './wires.ts'

interface End {
  readonly socket: Socket
  heard: string
  isEnded: boolean
}

function endOf(socket: Socket): End {
  const end: End = { socket, heard: '', isEnded: false }
  socket.setEncoding('utf8').on('data', (text: string) => {
    end.heard += text
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    end.isEnded = true
  })
  return end
}

const hears = (end: End, text: string): Promise<void> => until(async () => end.heard === text, text, 10_000)

describe('a line from a to b', () => {
  let wires: Wires
  let server: ReturnType<typeof createServer>
  let port: number
  const accepted: End[] = []

  beforeEach(async () => {
    wires = new Wires()
    server = createServer((socket) => accepted.push(endOf(socket)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = await wires.lay('a', 'b', (server.address() as { readonly port: number }).port)
  })

  afterEach(async () => {
    for (const { socket } of accepted.splice(0)) socket.destroy()
    await wires.close()
    server.close()
  })

  async function joined(): Promise<{ readonly a: End; readonly b: End }> {
    const a = endOf(connect(port, '127.0.0.1'))
    await until(async () => accepted.length > 0, 'accepted', 10_000)
    return { a, b: accepted[0]! }
  }

  it('carries both ways', async () => {
    const { a, b } = await joined()
    a.socket.write('from a')
    b.socket.write('from b')
    await hears(b, 'from a')
    await hears(a, 'from b')
  })

  it.each([
    ['a', 'b'],
    ['b', 'a'],
  ])('that is cut from %s to %s carries the other way only, and loses nothing', async (from, to) => {
    const ends = await joined()
    const speaker = from === 'a' ? ends.a : ends.b
    const listener = to === 'a' ? ends.a : ends.b
    wires.cut(from, to)
    speaker.socket.write('held ')
    // What is said the other way, and answered, shows that there was time.
    for (const word of ['one', 'two', 'three']) {
      listener.heard = ''
      speaker.heard = ''
      listener.socket.write(word)
      await hears(speaker, word)
      expect(listener.heard).toBe('')
    }
    speaker.socket.write('back')
    wires.heal()
    await hears(listener, 'held back')
  })

  it('holds back the end of a connection too', async () => {
    const { a, b } = await joined()
    wires.cut('a', 'b')
    a.socket.end('last words')
    b.socket.write('still here')
    await until(async () => a.heard === 'still here', 'the other way', 10_000)
    expect(b.isEnded).toBe(false)
    wires.heal()
    await hears(b, 'last words')
    await until(async () => b.isEnded, 'the end arrives', 10_000)
  })

  it('is cut for connections that are made while it is', async () => {
    wires.cut('b', 'a')
    const { a, b } = await joined()
    b.socket.write('held')
    a.socket.write('through')
    await hears(b, 'through')
    expect(a.heard).toBe('')
    wires.heal()
    await hears(a, 'held')
  })
})
