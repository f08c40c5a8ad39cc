/**
 * Where the demonstration plays: four processes of this machine, or four containers that are up already. Both can lose a member to SIGKILL
 * and start it again, and both take plain data at a member's private listener the way the centre's own systems would reach it.
 */
import { spawn } from 'node:child_process'
import { foundHomes, NodeProcess } from './cluster.ts'

/** A member as the demonstration sees it, whether a process or a container. */
export interface Member {
  readonly id: string
  readonly apiUrl: string
  /** Posts plain data to the private listener, and waits for attestation. */
  submitPlain(fields: object): Promise<{ readonly status: number; readonly text: string }>
  kill(): Promise<unknown>
  restart(): Promise<unknown>
}

export interface Stage {
  readonly members: readonly Member[]
  close(): Promise<void>
}

const plainHeaders = { 'content-type': 'application/json', prefer: 'wait=30' }

/** Four processes of this machine, their homes below `directory`. */
export async function processStage(directory: string): Promise<Stage> {
  const { homes } = await foundHomes(directory, 4)
  const nodes = homes.map((home) => new NodeProcess(home))
  for (const node of nodes) node.start()
  return {
    members: nodes.map((node) => ({
      id: node.home.id,
      apiUrl: node.home.apiUrl,
      submitPlain: async (fields) => {
        const body = JSON.stringify(fields)
        const url = `${node.home.privateUrl}/v1/records`
        const response = await fetch(url, { method: 'POST', headers: plainHeaders, body })
        return { status: response.status, text: await response.text() }
      },
      kill: () => node.kill('SIGKILL'),
      restart: async () => node.start(),
    })),
    close: async () => {
      await Promise.all(nodes.map((node) => node.kill('SIGTERM')))
    },
  }
}

/**
 * The containers of a compose file with services named like their members. The API is at the port that the file publishes; the private
 * listener is a unix socket that is published nowhere, so its caller is a process in the member's container.
 */
export async function composeStage(file: string): Promise<Stage> {
  const compose = (args: readonly string[], input = ''): Promise<string> =>
    docker(['compose', '-f', file, ...args], input)
  const members = ['guangzhou', 'beijing', 'wuhan', 'hangzhou'].map(async (id): Promise<Member> => {
    const published = await compose(['port', id, '8440'])
    return {
      id,
      apiUrl: `http://${published.trim()}`,
      submitPlain: async (fields) => {
        const command = ['node', '--input-type=module', '--eval', postToSocket]
        return JSON.parse(await compose(['exec', '-T', id, ...command], JSON.stringify(fields)))
      },
      kill: () => compose(['kill', '--signal', 'SIGKILL', id]),
      restart: () => compose(['start', id]),
    }
  })
  return {
    members: await Promise.all(members),
    // They were up before; they stay up.
    close: async () => undefined,
  }
}

/** What a system of the centre does: standard input to the socket, the answer to standard output. */
const postToSocket = `
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
const body = await text(process.stdin)
const options = { socketPath: '/run/gongzheng/private.sock', path: '/v1/records', method: 'POST', headers: ${JSON.stringify(plainHeaders)} }
const call = request(options, async (answer) => {
  process.stdout.write(JSON.stringify({ status: answer.statusCode, text: await text(answer) }))
})
call.end(body)
`

/** Not blocking: the demonstration measures how long nobody answered while a container is being killed. */
function docker(args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('docker', args, { stdio: ['pipe', 'pipe', 'pipe'] })
    let output = ''
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      errors += chunk
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(output)
      else reject(new Error(`docker ${args.join(' ')} ended with ${code}: ${errors.trim()}`))
    })
    child.stdin.end(input)
  })
}
