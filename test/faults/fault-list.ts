/**
 * What is done to the four members, one thing after the other, while the callers go on calling. A fault says what it does (`say`), does it,
 * and shows what the ledger must do meanwhile: go on where a quorum is whole, attest nothing where there is none. It may leave everything
 * broken: whoever runs it heals the stage, and then looks whether all that was ever promised still holds (truth.ts).
 */
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../end-to-end/cluster.ts'
import type { Draw } from './draw.ts'
import type { Load } from './load.ts'
import type { Member, Stage } from './stage.ts'
import { patienceMs } from './stage.ts'

export interface Scene {
  readonly stage: Stage
  readonly load: Load
  readonly draw: Draw
  readonly isShort: boolean
  readonly say: (words: string) => void
}

export interface Fault {
  readonly name: string
  /** Part of `--short`. */
  readonly isShort: boolean
  readonly needs?: 'switches' | 'small disk'
  readonly run: (scene: Scene) => Promise<void>
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** Somebody attests while the fault lasts. */
async function goesOn({ load, say }: Scene, members: readonly Member[]): Promise<void> {
  say(`attested without them after ${seconds(await load.attests(members))}`)
}

// ── processes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

async function killEach(scene: Scene): Promise<void> {
  const { stage, load, draw, isShort, say } = scene
  for (const member of draw.shuffled(stage.members).slice(0, isShort ? 2 : 4)) {
    say(`kill -9 ${member.id}, which has just given receipts`)
    await load.promises(member)
    await member.kill()
    await goesOn(scene, stage.others(member))
    member.start()
    await stage.ready([member])
  }
}

async function killLeader(scene: Scene): Promise<void> {
  const { stage, load, isShort, say } = scene
  for (let round = 0; round < (isShort ? 1 : 4); round++) {
    const leader = await stage.leader()
    say(`kill -9 ${leader.id}, which leads and has just given receipts`)
    await load.promises(leader)
    await leader.kill()
    await goesOn(scene, stage.others(leader))
    leader.start()
    await stage.ready([leader])
  }
}

async function killAll({ stage, load, draw, isShort, say }: Scene): Promise<void> {
  for (let round = 0; round < (isShort ? 1 : 3); round++) {
    say('kill -9 of all four at once, with receipts just given')
    await Promise.any(stage.members.map((member) => load.promises(member)))
    await Promise.all(stage.members.map((member) => member.kill()))
    for (const member of draw.shuffled(stage.members)) {
      member.start()
      await delay(draw.between(0, 300))
    }
    await stage.ready()
    say(`attested ${seconds(await load.attests(stage.members))} after all were ready`)
  }
}

/** Faster than they come up: starts that are killed while they read their disk, repair it, or ask to be let in. */
async function killLoop({ stage, load, draw, say }: Scene): Promise<void> {
  const kills = 40
  say(`${kills} times kill -9 of somebody, and up to a second and a half until the next`)
  for (let kill = 0; kill < kills; kill++) {
    const member = draw.one(stage.members)
    if (member.isRunning) await member.kill()
    await delay(draw.between(0, 200))
    member.start()
    await delay(draw.between(0, 1_500))
  }
  await stage.ready()
  say(`attested ${seconds(await load.attests(stage.members))} after all were ready`)
}

async function pauseFollower(scene: Scene): Promise<void> {
  const { stage, draw, say } = scene
  const follower = draw.one(stage.others(await stage.leader()))
  await pause(scene, follower, draw.between(2_000, 4_000))
  say(`${follower.id} goes on`)
}

async function pauseLeader(scene: Scene): Promise<void> {
  const { stage, draw, say } = scene
  const leader = await stage.leader()
  await pause(scene, leader, draw.between(2_500, 4_000))
  say(`${leader.id} goes on, and believes that it leads`)
  await goesOn(scene, stage.others(leader))
}

/** Longer than a connection lives in silence. */
async function pauseLong(scene: Scene): Promise<void> {
  const { stage, say } = scene
  const leader = await stage.leader()
  await pause(scene, leader, 9_000)
  say(`${leader.id} goes on, its connections gone`)
}

async function pause(scene: Scene, member: Member, ms: number): Promise<void> {
  scene.say(`SIGSTOP ${member.id} for ${seconds(ms)}`)
  const over = delay(ms)
  member.hold(true)
  await goesOn(scene, scene.stage.others(member))
  await over
  member.hold(false)
}

// ── lines ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

async function cutFromLeader(scene: Scene): Promise<void> {
  const { stage, say } = scene
  const leader = await stage.leader()
  say(`${leader.id}, which leads, hears everybody and is heard by nobody`)
  for (const other of stage.others(leader)) stage.wires.cut(leader.id, other.id)
  await goesOn(scene, stage.others(leader))
}

async function cutToLeader(scene: Scene): Promise<void> {
  const { stage, say } = scene
  const leader = await stage.leader()
  say(`${leader.id}, which leads, is heard by everybody and hears nobody`)
  for (const other of stage.others(leader)) stage.wires.cut(other.id, leader.id)
  await goesOn(scene, stage.others(leader))
}

/** Cloudflare, 2020-11-02: one follower no longer hears the leader, and everybody else does. It must not pull the others down. */
async function cutLeaderToOne(scene: Scene): Promise<void> {
  const { stage, draw, isShort, say } = scene
  const leader = await stage.leader()
  const follower = draw.one(stage.others(leader))
  say(`${follower.id} no longer hears ${leader.id}, which leads`)
  stage.wires.cut(leader.id, follower.id)
  for (let time = 0; time < (isShort ? 2 : 5); time++) {
    await delay(1_200)
    await goesOn(scene, stage.others(follower))
  }
}

async function cutBetweenFollowers(scene: Scene): Promise<void> {
  const { stage, draw, say } = scene
  const [one, other] = draw.shuffled(stage.others(await stage.leader()))
  say(`${other!.id} no longer hears ${one!.id}`)
  stage.wires.cut(one!.id, other!.id)
  await delay(draw.between(1_500, 4_000))
  await goesOn(scene, stage.members)
}

async function partitionLeader(scene: Scene): Promise<void> {
  const { stage, load, isShort, say } = scene
  const leader = await stage.leader()
  say(`${leader.id}, which leads, is alone`)
  part(stage, [leader], stage.others(leader))
  await goesOn(scene, stage.others(leader))
  await attestsNothing(load, [leader], say)
  if (!isShort) await delay(7_000)
}

/** Two and two: nobody has a quorum, and everybody gives receipts. */
async function partitionHalves({ stage, load, draw, isShort, say }: Scene): Promise<void> {
  const shuffled = draw.shuffled(stage.members)
  const [one, other] = [shuffled.slice(0, 2), shuffled.slice(2)]
  say(`${one.map(({ id }) => id).join(' and ')} apart from the other two`)
  part(stage, one, other)
  // What was certified before may still be attested for a moment.
  await delay(1_500)
  await attestsNothing(load, [one[0]!, other[0]!], say)
  if (!isShort) await delay(7_000)
  stage.wires.heal()
  say(`attested ${seconds(await load.attests(stage.members))} after they were together again`)
}

function part({ wires }: Stage, one: readonly Member[], other: readonly Member[]): void {
  for (const a of one) {
    for (const b of other) {
      wires.cut(a.id, b.id)
      wires.cut(b.id, a.id)
    }
  }
}

async function attestsNothing(load: Load, members: readonly Member[], say: Scene['say']): Promise<void> {
  const ends = await Promise.all(members.map((member) => load.tries(member, 2)))
  say(`without a quorum a statement ends as: ${ends.join(', ')}`)
  if (ends.includes('attested')) throw new Error('attested without a quorum')
}

// ── disks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

async function fullDisk(scene: Scene): Promise<void> {
  const { stage, load, say } = scene
  const member = stage.smallDiskMember
  const others = stage.others(member)
  say(`${member.id} has 100 MB left`)
  stage.shrinkDisk(100 * 1024 ** 2)
  await until(async () => (await load.tries(member, 0)) === 'node.disk-full', 'intake refuses', patienceMs)
  await goesOn(scene, others)
  const before = Number((await member.status())!.replicatedSize)
  await load.attests(others)
  await until(
    async () => Number((await member.status())?.replicatedSize ?? 0) > before,
    `${member.id} replicates what others take in`,
    patienceMs,
  )

  say(`${member.id} has 64 KB left`)
  stage.shrinkDisk(64 * 1024)
  const code = await member.endsByItself()
  say(`${member.id} stopped with ${code}`)
  if (code !== 5) throw new Error(`a full disk ended ${member.id} with ${code}, not 5`)
  await goesOn(scene, others)

  member.start()
  const again = await Promise.race([member.endsByItself(), delay(4_000).then(() => 'running' as const)])
  say(`started on the full disk: ${again === 'running' ? 'runs' : `ended with ${again}`}`)
  if (again !== 'running' && again !== 2 && again !== 5) throw new Error(`it ended with ${again}`)
  await goesOn(scene, others)
  say('room is made')
  stage.wholeDisk()
  if (again === 'running') await member.kill()
}

/** Rule 12: a leader whose disk is late resigns; heartbeats do not wait for the disk, so nobody else would notice. */
async function slowLeaderDisk(scene: Scene): Promise<void> {
  const { stage, isShort, say } = scene
  const leader = await stage.leader()
  const { switches } = leader
  const mark = leader.logMark
  const passed = switches!.fsyncs
  say(`every fsync of ${leader.id}, which leads, takes 3 s longer`)
  switches!.slowFsync(3_000)
  await until(
    async () =>
      leader
        .logSince(mark)
        .some(({ msg, role, reason }) => msg === 'role' && role !== 'leader' && reason === 'the disk is late'),
    `${leader.id} resigns because its disk is late`,
    patienceMs,
  )
  await goesOn(scene, stage.others(leader))
  const next = await stage.leader(stage.others(leader))
  say(`${next.id} leads`)
  if (next === leader) throw new Error(`${leader.id} leads with a slow disk`)
  if (switches!.fsyncs === passed) throw new Error('no fsync came by the switch')
  for (let time = 0; time < (isShort ? 1 : 5); time++) {
    await delay(1_500)
    await goesOn(scene, stage.others(leader))
  }
}

async function slowFollowerDisk(scene: Scene): Promise<void> {
  const { stage, draw, say } = scene
  const follower = draw.one(stage.others(await stage.leader()))
  say(`every fsync of ${follower.id} takes 1.5 s longer`)
  follower.switches!.slowFsync(1_500)
  await goesOn(scene, stage.others(follower))
  await delay(draw.between(3_000, 6_000))
  await goesOn(scene, stage.others(follower))
}

const failingFsync =
  (whose: 'leader' | 'follower') =>
  async (scene: Scene): Promise<void> => {
    const { stage, draw, say } = scene
    const leader = await stage.leader()
    const member = whose === 'leader' ? leader : draw.one(stage.others(leader))
    say(`every fsync of ${member.id}, a ${whose}, fails with EIO`)
    member.switches!.failFsync(true)
    const code = await member.endsByItself()
    say(`${member.id} stopped with ${code}`)
    if (code !== 5) throw new Error(`a failed fsync ended ${member.id} with ${code}, not 5`)
    await goesOn(scene, stage.others(member))
  }

// ── clocks ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const shiftedClock =
  (whose: 'leader' | 'follower', offsetMs: number) =>
  async (scene: Scene): Promise<void> => {
    const { stage, draw, isShort, say } = scene
    const leader = await stage.leader()
    const member = whose === 'leader' ? leader : draw.one(stage.others(leader))
    say(`the clock of ${member.id}, a ${whose}, jumps by ${seconds(offsetMs)}`)
    member.switches!.shiftClock(offsetMs)
    await goesOn(scene, stage.others(member))
    const shown = Date.parse((await member.status())!.time) - Date.now()
    if (Math.abs(shown - offsetMs) > 5_000) throw new Error(`${member.id} is off by ${seconds(shown)} only`)
    await delay(isShort ? 500 : 4_000)
    await goesOn(scene, stage.others(member))
    say(`the clock of ${member.id} jumps back`)
    member.switches!.shiftClock(0)
    await goesOn(scene, stage.others(member))
  }

/** Small jumps of everybody, each another way, within what the ledger's parameters allow (5 s ahead, 60 s behind). */
async function driftingClocks({ stage, load, draw, say }: Scene): Promise<void> {
  for (const member of stage.members) {
    const offset = draw.between(-1_500, 1_500)
    const rate = draw.between(-100_000, 100_000)
    say(`the clock of ${member.id} is off by ${seconds(offset)} and runs ${rate} millionths fast`)
    member.switches!.shiftClock(offset, rate)
  }
  for (let time = 0; time < 5; time++) {
    await delay(1_500)
    say(`attested after ${seconds(await load.attests(stage.members))}`)
  }
}

export const faults: readonly Fault[] = [
  { name: 'kill-each', isShort: true, run: killEach },
  { name: 'kill-leader', isShort: true, run: killLeader },
  { name: 'kill-all', isShort: true, run: killAll },
  { name: 'kill-loop', isShort: false, run: killLoop },
  { name: 'pause-follower', isShort: false, run: pauseFollower },
  { name: 'pause-leader', isShort: true, run: pauseLeader },
  { name: 'pause-long', isShort: false, run: pauseLong },
  { name: 'cut-from-leader', isShort: true, run: cutFromLeader },
  { name: 'cut-to-leader', isShort: false, run: cutToLeader },
  { name: 'cut-leader-to-one', isShort: false, run: cutLeaderToOne },
  { name: 'cut-between-followers', isShort: false, run: cutBetweenFollowers },
  { name: 'partition-leader', isShort: true, run: partitionLeader },
  { name: 'partition-halves', isShort: false, run: partitionHalves },
  { name: 'full-disk', isShort: true, needs: 'small disk', run: fullDisk },
  { name: 'slow-leader-disk', isShort: true, needs: 'switches', run: slowLeaderDisk },
  { name: 'slow-follower-disk', isShort: false, needs: 'switches', run: slowFollowerDisk },
  { name: 'fsync-error-leader', isShort: true, needs: 'switches', run: failingFsync('leader') },
  { name: 'fsync-error-follower', isShort: false, needs: 'switches', run: failingFsync('follower') },
  { name: 'clock-leader-ahead', isShort: true, needs: 'switches', run: shiftedClock('leader', 30_000) },
  { name: 'clock-leader-behind', isShort: false, needs: 'switches', run: shiftedClock('leader', -120_000) },
  { name: 'clock-follower-ahead', isShort: false, needs: 'switches', run: shiftedClock('follower', 90_000) },
  { name: 'clock-drift', isShort: false, needs: 'switches', run: driftingClocks },
]
