/**
 * A node's data directory out of an export of the ledger: the very node that will run on it is started with the export as its only peer, as
 * one who only follows, and takes from it what it would take from a member that it catches up from: every link, seal, certificate, batch and
 * statement checked, every block executed, nothing applied that q members have not attested. The genesis is the home's own. The node signs
 * nothing meanwhile: it is given keys that no list of members has. What comes out is a node that has never signed, so rule 18 has nothing to say of
 * it; should its identity have signed elsewhere, the others refuse its start, as they do for any disk that is younger than its word.
 */
import { lstatSync, readdirSync, realpathSync, renameSync, rmdirSync, rmSync, type Stats, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { equalBytes } from '../chain/bytes.ts'
import { Refusal } from '../chain/refusal.ts'
import { entryBytesMax } from '../chain/tile.ts'
import { genesisPath } from './audit/genesis-choice.ts'
import type { Source } from './audit/source.ts'
import type { Configuration } from './configuration.ts'
import { type ExportEnd, ExportNetwork, endOfExport, ImportRefused, pieceOf } from './export-peer.ts'
import { FileSigner } from './file-signer.ts'
import { newKeyFile, nodeKeys } from './identity.ts'
import { holdDirectory, openLevelDisk } from './level-disk.ts'
import type { Disk, Log } from './ports.ts'
import { Replica } from './replica.ts'
import { syncDirectory } from './slot-file.ts'
import { SystemClock, SystemRandom } from './system-clock.ts'
import { VerifierPool } from './verifier-pool.ts'

export interface ImportDependencies {
  readonly source: Source
  readonly log: Log
  readonly onProgress: (size: number, end: number) => void
}

export interface Imported {
  readonly size: number
  /** Hex. */
  readonly root: string
  readonly height: number
}

/**
 * Leaves the data directory whole or as it was: everything is done in a directory beside it, and takes its place at the end. That directory is held
 * meanwhile, because two imports into one home would else clear away each other's work.
 * @throws {ImportRefused} for what is wrong with the export, or with importing it here
 * @throws {Refusal} disk.* and what a start of this node would say
 */
export async function importLedger(
  {
    dataDirectory,
    genesis,
    rules,
    member,
    self,
  }: Pick<Configuration, 'dataDirectory' | 'genesis' | 'rules' | 'member' | 'self'>,
  { source, log, onProgress }: ImportDependencies,
): Promise<Imported> {
  const place = placeOf(dataDirectory)
  const besideIt = `${place}.importing`
  const release = await holdDirectory(join(besideIt, 'held')).catch(failWriting)
  const directory = join(besideIt, 'data')
  try {
    // What an import left that was cut short: nobody ran on it.
    rmSync(directory, { recursive: true, force: true })
    const served = await pieceOf(source, genesisPath, entryBytesMax)
    if (!equalBytes(served, genesis.entry))
      throw new ImportRefused('import.other-ledger', `${source.name}: ${genesisPath}`)
    const end = await endOfExport(source, genesis.origin)
    const imported = await throughEpochs(() =>
      followed({ directory, genesis, rules, member, self, end }, { source, log, onProgress }),
    )
    putInPlace(directory, place)
    await syncDirectory(dirname(place))
    return imported
  } finally {
    rmSync(directory, { recursive: true, force: true })
    await release()
    rmSync(besideIt, { recursive: true, force: true })
  }
}

/**
 * Where the data will lie, looked at before the work and not after it: an empty directory of its own, or nothing yet. A link is followed, as a start
 * of the node does, and what is on its way lies beside what it leads to.
 */
function placeOf(dataDirectory: string): string {
  const cannot = (why: string): ImportRefused => new ImportRefused('import.cannot-place', `${dataDirectory} ${why}`)
  if (statsOf(lstatSync, dataDirectory) === undefined) return resolve(dataDirectory)
  const stats = statsOf(statSync, dataDirectory)
  if (stats === undefined) throw cannot('is a link that leads nowhere')
  if (!stats.isDirectory()) throw cannot('is not a directory')
  if (readdirSync(dataDirectory).length > 0) throw new ImportRefused('import.not-empty', dataDirectory)
  const place = realpathSync(dataDirectory)
  if (statSync(dirname(place)).dev !== stats.dev) throw cannot('is a file system of its own')
  return place
}

function statsOf(look: (path: string) => Stats, path: string): Stats | undefined {
  try {
    return look(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new ImportRefused('import.cannot-place', (error as Error).message)
  }
}

/** A directory that was made just now cannot be damaged: what remains is a disk that is full, or fails. */
function failWriting(error: unknown): never {
  if (error instanceof Refusal && error.code === 'disk.unreadable') {
    throw new ImportRefused('import.not-written', error.message)
  }
  throw error
}

function putInPlace(directory: string, place: string): void {
  try {
    if (statsOf(lstatSync, place) !== undefined) rmdirSync(place)
    renameSync(directory, place)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // The node was started meanwhile, and has begun without the import.
    if (code === 'ENOTEMPTY' || code === 'EEXIST') throw new ImportRefused('import.not-empty', place)
    throw new ImportRefused('import.cannot-place', message)
  }
}

/** A node that is shown a re-founding keeps it and ends; it goes on in the next epoch when it is started again (rule 22). */
async function throughEpochs(follow: () => Promise<Imported>): Promise<Imported> {
  for (;;) {
    try {
      return await follow()
    } catch (error) {
      if (!(error instanceof Refusal && error.code === 'node.refounded')) throw error
    }
  }
}

interface Following extends Pick<Configuration, 'genesis' | 'rules' | 'member' | 'self'> {
  readonly directory: string
  readonly end: ExportEnd
}

async function followed(
  { directory, genesis, rules, member, self, end }: Following,
  { source, log, onProgress }: ImportDependencies,
): Promise<Imported> {
  const node = self.node.id
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => undefined)
  const onFatal = (reason: string, code?: string): void =>
    fail(code === undefined ? new Error(reason) : new Refusal(code, reason))
  const clock = new SystemClock()
  const random = new SystemRandom()
  const onUnwritable = (reason: string): void => fail(new ImportRefused('import.not-written', reason))
  const owner = { ledger: genesis.ledger, node }
  const opened = await openLevelDisk({ directory, owner }, { log, onFatal: onUnwritable }).catch(failWriting)
  let writing = 0
  const disk: Disk = {
    get: (key) => opened.disk.get(key),
    getInto: (key, into) => opened.disk.getInto(key, into),
    scan: (...asked) => opened.disk.scan(...asked),
    slots: () => opened.disk.slots(),
    freeBytes: () => opened.disk.freeBytes(),
    write: (write, done) => {
      writing++
      opened.disk.write(write, () => {
        writing--
        done()
      })
    },
  }
  const verifier = new VerifierPool({}, { log, onFatal })
  const network = new ExportNetwork({ context: rules.context, end }, { source, onUnusable: fail })
  // Of nobody: what it would sign would be nothing to anybody.
  const signer = new FileSigner({ node: nodeKeys(newKeyFile('node', genesis.origin, random)) }, { onFatal })
  let replica: Replica | undefined
  try {
    const { size, root } = end.attestation
    const done = new Promise<Imported>((resolve, reject) => {
      const look = (): void => {
        const { committed } = replica!.ledger
        onProgress(committed.frontier.size, size)
        if (committed.frontier.size < size) return
        if (committed.root !== root) return reject(new ImportRefused('import.refused', 'checkpoint: another root'))
        if (replica!.attested?.size === size) resolve({ size, root, height: committed.block.height })
      }
      replica = new Replica(
        { rules, member, node },
        { clock, random, network, disk, verifier, signer, log: asComplaints(log, fail), onFatal },
        { onCommitted: () => setImmediate(look), onAttested: () => setImmediate(look) },
      )
      replica.start(() => setImmediate(look))
    })
    const imported = await Promise.race([done, failed])
    // Then the orderly end has the disk to itself, for what nobody waited for.
    while (writing > 0) await new Promise((resolve) => setImmediate(resolve))
    return imported
  } finally {
    network.stop()
    replica?.stop()
    await verifier.stop()
    await opened.close()
  }
}

/** What catching up says of an answer that does not stand up: from a member it would ask the next one; there is none here. */
function asComplaints(log: Log, fail: (error: unknown) => void): Log {
  return {
    ...log,
    warn: (event, fields = {}) => {
      if (!event.startsWith('catch-up answer')) return log.warn(event, fields)
      fail(
        new ImportRefused('import.refused', `blocks from ${fields.height ?? '?'} on: ${event}, ${fields.reason ?? ''}`),
      )
    },
  }
}
