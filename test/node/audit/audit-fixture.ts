/** Audits of files in memory. */
import { type AuditOptions, type AuditReport, audit } from '../../../src/node/audit/audit.ts'
import { AuditStore } from '../../../src/node/audit/audit-store.ts'
import type { Source } from '../../../src/node/audit/source.ts'
import { WrongAnswer } from '../../../src/node/audit/source.ts'
import { MemoryMedium } from '../../../src/node/memory-disk.ts'
import { MemoryVerifier } from '../../../src/node/memory-verifier.ts'
import type { Clock } from '../../../src/node/ports.ts'
import { genesis, rules } from './made-ledger.ts'

export type Files = ReadonlyMap<string, Uint8Array>

/** Serves files of a map, as a file server does. */
export class MapSource implements Source {
  readonly name: string
  readonly asked: string[] = []
  readonly #files: Files

  constructor(name: string, files: Files) {
    this.name = name
    this.#files = files
  }

  async get(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
    this.asked.push(path)
    const bytes = this.#files.get(path.replace(/\?.*/, ''))
    if (bytes !== undefined && bytes.length > bytesMax) throw new WrongAnswer(`${path} has more than ${bytesMax} bytes`)
    return bytes
  }
}

/** Only `after` is used: the verifier answers as a later event. */
const clock = { after: (_: number, wake: () => void) => void setImmediate(wake) } as unknown as Clock

export const newMedium = (): MemoryMedium => new MemoryMedium()

export async function auditSources(
  sources: readonly Source[],
  options: Partial<AuditOptions> = {},
  medium = newMedium(),
): Promise<AuditReport> {
  const disk = medium.open({
    defer: setImmediate,
    onFatal: (reason) => {
      throw new Error(reason)
    },
  })
  const report = await audit(
    sources,
    { rules, seen: new Map(), entriesRead: 0, ...options },
    {
      store: new AuditStore(genesis, disk),
      verifier: new MemoryVerifier({}, { clock }),
      onProgress: () => undefined,
    },
  )
  disk.close()
  return report
}

export const auditFiles = (
  files: Readonly<Record<string, Files>>,
  options: Partial<AuditOptions> = {},
  medium = newMedium(),
): Promise<AuditReport> =>
  auditSources(
    Object.entries(files).map(([name, each]) => new MapSource(name, each)),
    options,
    medium,
  )
