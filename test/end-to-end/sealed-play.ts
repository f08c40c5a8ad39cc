/**
 * The demonstration's sealed bids on their way over HTTP: handed in at the real pace, pressed into the minutes there are; each receipt
 * checked under its node's seal key; the members' closes compared with the leaves that each lists and with every receipt. And an outsider's
 * view: what stands on the ledger, entry by entry, as anybody fetches it.
 */
import type { BidReceiptAnswer, BoxAnswer, BoxListAnswer } from '../../src/api/box-answers.ts'
import { fromHex } from '../../src/chain/bytes.ts'
import { leafKindOf } from '../../src/chain/entry.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { keyFromKid, verifySignature } from '../../src/chain/keys.ts'
import { bidReceiptMessage, SectionTree } from '../../src/chain/quiet-box.ts'
import type { SealedSection } from '../../src/chain/sealed-bid.ts'
import { parseSignedObject, statementBytesMax } from '../../src/chain/statement.ts'
import { decodeEntryBundle, entriesPath, tileWidthMax } from '../../src/chain/tile.ts'
import { until } from './cluster.ts'
import type { HandIn, PlaceOf } from './sealed-bids.ts'
import type { Member } from './stage.ts'

export type BidReceiptFile = BidReceiptAnswer['bidReceipt']

/** Calls under way at once: a receipt comes with the next beat of the box, so many wait for one. */
const callsMax = 512
/** Between the last leaf and the deadline. */
const spareMs = 4_000

/** Brings every leaf at its time, by the clock of the real opening pressed between now and the deadline. @returns the receipts, in that order */
export async function handInAll(
  handIns: readonly HandIn[],
  at: SealedSection,
  deadline: number,
  members: readonly Member[],
  progress: (done: number) => void,
): Promise<readonly BidReceiptFile[]> {
  const start = Date.now()
  const [first, last] = [handIns[0]!.realTime, handIns.at(-1)!.realTime]
  const scale = Math.max(0, deadline - spareMs - start) / (last - first)
  const receipts: BidReceiptFile[] = []
  const queue = [...handIns.entries()]
  let done = 0
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [number, { leaf, realTime, door }] = next
      const wait = start + (realTime - first) * scale - Date.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      receipts[number] = await handIn(leaf, at, members, door)
      progress(++done)
    }
  }
  await Promise.all(Array.from({ length: callsMax }, worker))
  return receipts
}

/** At one member after the other, until one gives a receipt. */
async function handIn(
  leaf: string,
  { tender, section }: SealedSection,
  members: readonly Member[],
  door: number,
): Promise<BidReceiptFile> {
  const body = JSON.stringify({ tender, ...(section === '' ? {} : { section }), leaf })
  for (let attempt = 0; attempt < 100; attempt++) {
    const { id, apiUrl } = members[(door + attempt) % members.length]!
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${apiUrl}/v1/boxes/leaves`, { method: 'POST', headers, body })
    if (answer.status === 201) return ((await answer.json()) as BidReceiptAnswer).bidReceipt
    const text = await answer.text()
    if (answer.status < 500 && answer.status !== 429) throw new Error(`${id} took no leaf: ${text}`)
    await new Promise((resolve) => setTimeout(resolve, 100)) // busy, or not ready: try the next
  }
  throw new Error('no member took a leaf')
}

/** How many of the receipts carry the signature of the node that they name. */
export async function goodReceipts(receipts: readonly BidReceiptFile[], member: Member): Promise<number> {
  const { members } = (await getJson(member, '/v1/members')) as {
    readonly members: readonly { readonly id: string; readonly node: string; readonly sealKey: string }[]
  }
  return receipts.filter(({ ledger, epoch, signature, member: id, ...receipt }) => {
    const found = members.find((each) => each.id === id && each.node === receipt.node)
    if (found === undefined) return false
    const message = bidReceiptMessage({ ledger, epoch }, receipt)
    return verifySignature(keyFromKid(found.sealKey)!, message, fromHex(signature)!)
  }).length
}

export interface ClosedBox {
  /** Members whose close is what they list, leaf by leaf. */
  readonly closes: number
  /** Receipts whose leaf is in the close of the member that gave it, with the time that the receipt says. */
  readonly kept: number
  readonly placeOf: PlaceOf
}

/** Waits for the close of every member, and compares each with the list that its member shows and with the receipts. */
export async function closedBox(
  { tender, section }: SealedSection,
  receipts: readonly BidReceiptFile[],
  members: readonly Member[],
): Promise<ClosedBox> {
  const name = [tender.owner, tender.scheme, tender.code].map(encodeURIComponent).join('/')
  const query = section === '' ? '' : `?section=${encodeURIComponent(section)}`
  const box = async (member: Member) => (await getJson(member, `/v1/boxes/${name}${query}`)) as BoxAnswer
  await until(
    async () => (await Promise.all(members.map(box))).every(({ closes }) => closes.length === members.length),
    'the closes of all members, at all members',
  )
  const { closes } = await box(members[0]!)
  const trees = new Map<string, SectionTree>()
  for (const member of members) {
    const { leaves } = (await getJson(member, `/v1/boxes/${name}/leaves${query}`)) as BoxListAnswer
    trees.set(member.id, new SectionTree(leaves))
  }
  const good = closes.filter(({ member, count, root }) => {
    const tree = trees.get(member)
    return tree?.leaves.length === count && tree.root === root
  })
  const placed = (receipt: BidReceiptFile) => {
    const tree = trees.get(receipt.member)
    const found = tree?.find(receipt.leaf)
    return found === undefined ? undefined : { ...found, receivedAt: tree!.leaves[found.index]!.receivedAt }
  }
  const receiptsOf = Map.groupBy(receipts, ({ leaf }) => leaf)
  return {
    closes: good.length,
    kept: receipts.filter((receipt) => placed(receipt)?.receivedAt === receipt.receivedAt).length,
    placeOf: (leaf, door = 0): JsonObject => {
      const receipt = receiptsOf.get(leaf)![door]!
      const found = placed(receipt)
      if (found === undefined) throw new Error(`${receipt.member} closed without ${leaf}, and gave a receipt for it`)
      const { receivedAt, index, path } = found
      return { member: receipt.member, receivedAt, index, path: [...path] }
    },
  }
}

/** Entries of the ledger and their bytes, all together and by type; `block` is the entry that opens every block with records. */
export interface PublicCount {
  readonly records: number
  readonly bytes: number
  readonly byType: Readonly<Record<string, { readonly records: number; readonly bytes: number }>>
}

/**
 * What stands on the ledger behind an index, before a moment and after it, by block time. Read from the entry tiles: there is nothing that
 * one could look at instead.
 */
export async function publicCounts(
  member: Member,
  size: number,
  behind: number,
  moment: number,
): Promise<{ readonly before: PublicCount; readonly after: PublicCount }> {
  const before = new Tally()
  const after = new Tally()
  let time = 0
  for (let at = 0; at * tileWidthMax < size; at++) {
    const width = Math.min(tileWidthMax, size - at * tileWidthMax)
    const answer = await fetch(`${member.apiUrl}/${entriesPath(at, width)}`)
    if (!answer.ok) throw new Error(`${member.id} has no bundle ${at}: ${await answer.text()}`)
    for (const [i, entry] of decodeEntryBundle(new Uint8Array(await answer.arrayBuffer()), width).entries()) {
      const value = JSON.parse(new TextDecoder().decode(entry)) as JsonObject
      const kind = leafKindOf(entry)
      if (kind === 'system') time = Date.parse((value.system as { readonly time: string }).time)
      if (at * tileWidthMax + i <= behind) continue
      const type = kind === 'system' ? 'block' : kind === 'record' ? typeOf(value.statement as string) : kind
      ;(time <= moment ? before : after).add(type, entry.length)
    }
  }
  return { before: before.count(), after: after.count() }
}

const typeOf = (statement: string): string => String(parseSignedObject(statement, statementBytesMax).payload.type)

class Tally {
  readonly #byType: Record<string, { records: number; bytes: number }> = {}

  add(type: string, bytes: number): void {
    const before = this.#byType[type] ?? { records: 0, bytes: 0 }
    this.#byType[type] = { records: before.records + 1, bytes: before.bytes + bytes }
  }

  count(): PublicCount {
    const all = Object.values(this.#byType)
    const sum = (of: 'records' | 'bytes'): number => all.reduce((total, each) => total + each[of], 0)
    return { records: sum('records'), bytes: sum('bytes'), byType: this.#byType }
  }
}

async function getJson(member: Member, path: string): Promise<unknown> {
  const answer = await fetch(member.apiUrl + path)
  if (!answer.ok) throw new Error(`${member.id} answered ${answer.status} to ${path}: ${await answer.text()}`)
  return answer.json()
}
