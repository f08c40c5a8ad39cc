/**
 * Before the deadline nobody outside may learn who bids, what, how many or when (招标投标法 art. 22). The same section is played three times on
 * four nodes — with every bid of a real opening at its own time, with three, with none — and whatever an outsider can fetch from every node up to the
 * deadline is compared: it must be the same in count, time and length. Whole nodes in virtual time, so that "the same time" means the same
 * millisecond. Then probes that ask "has firm X bid?" in every way there is: each must answer alike whether it has or not.
 */
import { describe, expect, it } from 'vitest'
import { buildPublicServer } from '../../src/api/server.ts'
import { formatTime } from '../../src/chain/time.ts'
import { Queries } from '../../src/node/queries.ts'
import { beijingTime, largeOpening } from '../chain/catalogue/opening-rows.ts'
import { BoxStage } from '../node/box-stage.ts'
import { ReplicaWorld } from '../node/replica-world.ts'
import { type Door, everythingOf, lookOf, masked, timed, watchedUrls } from './outsider.ts'

const opening = largeOpening()
/** Six days in so many milliseconds. */
const playMs = 240_000
const lookEveryMs = 20_000

interface Played {
  readonly stage: BoxStage
  readonly doors: readonly Door[]
  readonly tenderPath: string
}

async function begin(): Promise<Played> {
  const world = new ReplicaWorld(4, {
    cheapSignatures: true,
    parameters: { boxRoundMs: 10_000, boxFastRoundMs: 2_000 },
  })
  // Slow disks: whoever waits for one feels what else it does.
  for (const id of world.ids) world.member(id).diskMs = 30
  world.startAll()
  world.electLeader()
  world.settle()
  const stage = new BoxStage(world, opening.code, { deadlineMs: playMs, graceSeconds: 20, claimSeconds: 20 })
  const doors = await Promise.all(
    world.ids.map(async (member): Promise<Door> => {
      const service = new Queries(
        { rules: world.rules, member, node: world.member(member).member.node.id, version: 'test' },
        {
          clock: world.clock,
          signer: {
            publicKey: (purpose) => world.publicKey(member, purpose),
            sign: (purpose, message, done) => done(world.sign(member, purpose, message)),
          },
          replica: world.replica(member),
          metrics: () => Promise.resolve(''),
        },
      )
      return {
        member,
        service,
        app: await buildPublicServer(
          { limits: { readsPerMinute: 1e9, listsPerMinute: 1e9, submissionsPerMinute: 1e9 } },
          { service, onFailure: () => undefined },
        ),
      }
    }),
  )
  const { owner, scheme, code } = stage.about.tender
  return { stage, doors, tenderPath: [owner, scheme, code].map(encodeURIComponent).join('/') }
}

/** Leaves and when they come, milliseconds before the deadline: the first `count` of the real rows, in their own order and at their own pace. */
function arrivals(count: number): readonly { readonly name: string; readonly beforeMs: number }[] {
  const deadline = Date.parse(opening.openingTime)
  const times = opening.rows.map(({ receivedAt }) => Date.parse(beijingTime(receivedAt)))
  const longest = deadline - Math.min(...times)
  return opening.rows
    .map(({ uscc }, i) => ({
      name: uscc,
      beforeMs: Math.round(((deadline - times[i]!) / longest) * (playMs - 30_000)),
    }))
    .slice(0, count)
    .toSorted((a, b) => b.beforeMs - a.beforeMs)
}

/** Everything an outsider has seen by the deadline. */
async function play(count: number): Promise<{ readonly seen: readonly string[]; readonly receipts: number }> {
  const { stage, doors, tenderPath } = await begin()
  const { world } = stage
  const seen: string[] = []
  for (const { member } of doors) {
    world.replica(member)
    doors
      .find((door) => door.member === member)!
      .service.onAttested((size) => {
        seen.push(`${member} tells of ${size} at ${world.clock.wall()}`)
      })
  }
  world.onAttested.push((id, attestation) => doors.find(({ member }) => member === id)!.service.attested(attestation))
  // What /v1/events sends, to whoever listens, at the moment it does.
  for (const { member, service } of doors) {
    service.onAttested((size) => seen.push(`${world.clock.wall()} ${member} tells of ${size}`))
  }
  const due = [...arrivals(count)]
  let receipts = 0
  /** Hands in whatever comes before that time, each leaf at its own. */
  const handInUntil = (time: number): void => {
    for (let next = due[0]; next !== undefined && stage.deadline - next.beforeMs < time; next = due[0]) {
      due.shift()
      world.clock.advance(Math.max(0, stage.deadline - next.beforeMs - world.clock.wall()))
      world.replica(world.ids[due.length % 4]!).deposit(stage.about, stage.bid(next.name).leaf, ({ kind }) => {
        receipts += kind === 'received' ? 1 : 0
      })
    }
    world.clock.advance(time - world.clock.wall())
  }
  for (let next = world.clock.wall() + lookEveryMs; next < stage.deadline; next += lookEveryMs) {
    handInUntil(next)
    for (const { app } of doors) {
      for (const url of watchedUrls(tenderPath)) seen.push(`${world.clock.wall()} ${await lookOf(app, { url })}`)
    }
  }
  handInUntil(stage.deadline)
  for (const door of doors) seen.push(...(await everythingOf(world, door, tenderPath, stage.about.tender.owner)))
  await Promise.all(doors.map(({ app }) => app.close()))
  return { seen, receipts }
}

/** The first sight that differs; a difference of everything would not be readable. */
function firstDifference(
  one: readonly string[],
  other: readonly string[],
): readonly (string | undefined)[] | undefined {
  const at = Array.from({ length: Math.max(one.length, other.length) }, (_, i) => i).find((i) => one[i] !== other[i])
  return at === undefined ? undefined : [one[at], other[at]]
}

describe(`a section with every bid of the ${opening.source} opening, with three, and with none`, () => {
  it('looks the same from outside up to the deadline: count, time and length', { timeout: 600_000 }, async () => {
    const [all, three, none] = [await play(opening.rows.length), await play(3), await play(0)]
    expect([all.receipts, three.receipts, none.receipts]).toEqual([opening.rows.length, 3, 0])
    // Rounds of four members, in records, tiles and blocks: there was something to look at.
    expect(none.seen.length).toBeGreaterThan(500)
    expect(none.seen.join('\n')).toContain('box.round@1')
    expect(none.seen.filter((each) => each.includes('tells of')).length).toBeGreaterThan(100)
    expect(firstDifference(all.seen, none.seen)).toBeUndefined()
    expect(firstDifference(three.seen, none.seen)).toBeUndefined()
  })
})

describe('“has firm X bid?”, asked in every way there is', () => {
  it('is answered alike whether it has or not', { timeout: 300_000 }, async () => {
    const { stage, doors, tenderPath } = await begin()
    const { world } = stage
    const [bidder, nobody] = [stage.bid('91110000802100433B'), stage.bid('914403001922038216')]
    stage.handIn(world.ids[0]!, bidder.leaf)
    world.clock.advance(30_000)
    const tender = { ...stage.about.tender }
    const now = formatTime(world.clock.wall())
    const json = { 'content-type': 'application/json' }
    let statements = 0
    const submit = (type: string, fields: object) => ({
      method: 'POST' as const,
      url: '/v1/records',
      headers: json,
      payload: { statement: world.centreStatement(stage.host, type, `probe ${statements++}`, fields as never) },
    })
    const place = { member: world.ids[0]!, receivedAt: world.clock.wall(), index: 0, path: [] }
    const probes = (of: typeof bidder) => ({
      'its leaf again, or a first time': {
        method: 'POST' as const,
        url: '/v1/boxes/leaves',
        headers: json,
        payload: { tender, leaf: of.leaf },
      },
      'its place': { url: `/v1/boxes/${tenderPath}/leaves/${of.leaf}` },
      'the list': { url: `/v1/boxes/${tenderPath}/leaves` },
      'its records': { url: `/v1/records?party=${encodeURIComponent(of.party)}` },
      'the party': { url: `/v1/parties/${encodeURIComponent(of.party)}` },
      'its credit': { url: `/v1/credit/${encodeURIComponent(of.party)}` },
      'the box': { url: `/v1/boxes/${tenderPath}` },
      'a subject by its leaf': { url: `/v1/subjects/${encodeURIComponent(`sealed-leaf/${of.leaf}`)}` },
      'the leaf as a hash': {
        method: 'POST' as const,
        url: '/v1/verify',
        headers: json,
        payload: { items: [{ hash: { algorithm: 'sha256', value: of.leaf } }] },
      },
      'its reveal, early': submit('bid.reveal@1', { ...stage.reveal(of, place), decryptedAt: now }),
      'its withdrawal, early': submit('bid.withdrawal@1', stage.withdrawn(of, place, place)),
      'a claim, early': submit('bid.claim@1', {
        tender,
        receipt: {
          member: world.ids[0]!,
          epoch: 0,
          leaf: of.leaf,
          receivedAt: place.receivedAt,
          round: 1,
          signature: '0'.repeat(128),
        },
      }),
      'the opening’s end, early': submit('bid.opened@1', {
        tender,
        leaves: 1,
        bids: 1,
        replaced: 0,
        withdrawn: 0,
        notRevealed: 0,
      }),
    })
    const answerTo = async (of: typeof bidder, name: keyof ReturnType<typeof probes>): Promise<string> => {
      // From the same moment of the box's beat.
      world.clock.advance(1_000 - (world.clock.wall() % 1_000))
      const { value, ms } = await timed(world, lookOf(doors[0]!.app, probes(of)[name]))
      // Who was asked about, and when, stand in the answer to whoever asked.
      const asked = [of.party, masked(of.party), encodeURIComponent(of.party), masked(encodeURIComponent(of.party))]
      const neutral = asked.reduce((text, name) => text.replaceAll(name, '<party>'), `${value}\nin ${ms} ms`)
      return neutral
        .replaceAll(/\d{13}/g, '<ms>')
        .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+08:00)/g, '<time>')
        .replaceAll(/("(?:round|size|attestedSize|height)":)"?\d+"?/g, '$1<number>')
    }
    const differing: string[] = []
    for (const name of Object.keys(probes(bidder)) as (keyof ReturnType<typeof probes>)[]) {
      const [has, hasNot] = [await answerTo(bidder, name), await answerTo(nobody, name)]
      if (has !== hasNot) differing.push(`${name}:\n${has}\n— or —\n${hasNot}`)
    }
    expect(differing).toEqual([])
    await Promise.all(doors.map(({ app }) => app.close()))
  })
})
