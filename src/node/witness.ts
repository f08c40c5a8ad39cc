/**
 * Asking an outside witness to cosign a checkpoint: the client side of `add-checkpoint` (C2SP tlog-witness). The witness keeps one state per
 * origin and believes any log key of it that it trusts, so whoever calls this passes on only what q members have attested; then no single
 * member's key can lead a witness astray. What the witness answers is believed as far as its key has signed it, and no further.
 * The caller brings the note, the proofs and the witness's keys; nothing is kept here.
 */
import { toBase64 } from '../chain/bytes.ts'
import { noteVerifier, parseCheckpoint, parseDecimal } from '../chain/checkpoint.ts'
import { formatNote, formatSignatureLine, type Note, parseNote, type VerifierKey, verifyNote } from '../chain/note.ts'
import { Refusal, type RefusalTexts } from '../chain/refusal.ts'
import { VerificationError } from '../chain/verification-error.ts'

export interface WitnessOptions {
  /** The witness's submission prefix, with or without a slash at its end. */
  readonly url: string
  /** Its verifier keys; at least one of them must have cosigned. */
  readonly keys: readonly VerifierKey[]
  /** How long one request may take. Milliseconds. */
  readonly timeoutMs?: number
}

export interface WitnessDependencies {
  readonly fetch: typeof fetch
  /** Hashes that lead from this size, which is at least 1 and below the checkpoint's, to the checkpoint's. */
  readonly consistency: (from: bigint) => Promise<readonly Uint8Array[]>
}

/** A witness answers with a line or a few; one that sends more is cut off. */
const answerBytesMax = 64 * 1024
/** Bodies beyond this are refused by some witnesses, so they are not sent. */
const requestBytesMax = 16 * 1024

/**
 * Asks for a cosignature on this note. The size that the witness knows is asked of it by a first call from size 0.
 * @returns the good cosignature lines, in the witness's order, and the size from which it was led here
 * @throws {Refusal} witness.… with what the witness said
 */
export async function askWitness(
  note: Note,
  options: WitnessOptions,
  dependencies: WitnessDependencies,
): Promise<{ readonly note: Note; readonly from: bigint }> {
  const { size } = parseCheckpoint(note.text)
  let from = 0n
  // Known, told once more because somebody else was faster, and no third time: a witness that changes its mind for ever is no witness.
  for (let attempt = 1; attempt <= 3; attempt++) {
    const proof = from === 0n || from === size ? [] : await dependencies.consistency(from)
    const answer = await call(requestBody(from, proof, note), options, dependencies.fetch)
    if (answer.status === 200)
      return { note: { text: note.text, signatures: goodLines(note, answer.text, options) }, from }
    if (answer.status !== 409) throw refusalOf(answer, from, size)
    const known = answer.text.endsWith('\n') ? parseDecimal(answer.text.slice(0, -1)) : undefined
    if (answer.contentType !== 'text/x.tlog.size' || known === undefined) throw badAnswer('409 without a tree size')
    if (known > size) throw new Refusal('witness.ahead', `it knows size ${known}, this checkpoint has ${size}`)
    // It was asked from the size that it now says it knows: its root of that size is another.
    if (known === from) throw new Refusal('witness.other-history', `another root for size ${known}`)
    from = known
  }
  throw badAnswer('it names another size each time')
}

/** `old` line, proof lines, an empty line, the note. */
function requestBody(from: bigint, proof: readonly Uint8Array[], note: Note): string {
  const body = `${[`old ${from}`, ...proof.map(toBase64)].join('\n')}\n\n${formatNote(note)}`
  if (body.length > requestBytesMax) throw new Refusal('witness.too-large', `${body.length} bytes`)
  return body
}

interface WitnessAnswer {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

async function call(
  body: string,
  { url, timeoutMs = 30_000 }: WitnessOptions,
  http: typeof fetch,
): Promise<WitnessAnswer> {
  try {
    const response = await http(`${url.replace(/\/+$/, '')}/add-checkpoint`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      // A witness has one address; what it sends elsewhere is sent by somebody else.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
    const contentType = (response.headers.get('content-type') ?? '').split(';')[0]!.trim()
    return { status: response.status, contentType, text: await boundedText(response) }
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal('witness.no-answer', `${url}: ${(error as Error).message}`)
  }
}

async function boundedText(response: Response): Promise<string> {
  let text = ''
  let lengthBytes = 0
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of response.body ?? []) {
    lengthBytes += chunk.length
    if (lengthBytes > answerBytesMax) throw badAnswer(`more than ${answerBytesMax} bytes`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** The lines by the witness's keys; unknown ones are ignored, one that is wrong spoils the answer. */
function goodLines(note: Note, lines: string, { keys }: WitnessOptions): Note['signatures'] {
  try {
    const answered = parseNote(`${note.text}\n${lines}`)
    const verifiers = keys.map(noteVerifier).filter((verifier) => verifier !== undefined)
    return verifyNote(answered, verifiers).map(({ signature }) => signature)
  } catch (error) {
    if (error instanceof VerificationError) throw badAnswer(`${error.code}: ${error.message}`)
    throw error
  }
}

function refusalOf({ status, text }: WitnessAnswer, from: bigint, size: bigint): Refusal {
  const said = `${status} ${text.trim().slice(0, 200)}`.trim()
  switch (status) {
    case 404:
      return new Refusal('witness.unknown-origin', said)
    case 403:
      return new Refusal('witness.untrusted', said)
    case 422:
      return new Refusal('witness.other-history', `the proof from ${from} to ${size} does not hold there: ${said}`)
    default:
      return new Refusal('witness.refused', said)
  }
}

const badAnswer = (detail: string): Refusal => new Refusal('witness.bad-answer', detail)

/** The cosignature lines as text. */
export const cosignatureLines = ({ signatures }: Note): string => signatures.map(formatSignatureLine).join('')

export const witnessRefusals: RefusalTexts = {
  'witness.no-answer': {
    zh: {
      title: '见证方没有应答',
      cause: '见证方的地址无法连接，或未在时限内应答。',
      remedy: '请核对地址，稍后再试。',
    },
    en: {
      title: 'The witness does not answer',
      cause: 'It cannot be reached, or took too long.',
      remedy: 'Check its address and try again later.',
    },
  },
  'witness.unknown-origin': {
    zh: {
      title: '见证方不认识本账本',
      cause: '见证方未配置本账本的来源（origin）。',
      remedy: '请向见证方的运营者提交本账本的来源与账本公钥。',
    },
    en: {
      title: 'The witness does not know this ledger',
      cause: 'It is not configured for the origin of this checkpoint.',
      remedy: 'Give its operator the origin and the log keys of this ledger.',
    },
  },
  'witness.untrusted': {
    zh: {
      title: '见证方不信任快照上的签名',
      cause: '快照上没有见证方所信任的公钥的有效签名。',
      remedy: '请向见证方的运营者核对其配置的账本公钥。',
    },
    en: {
      title: 'The witness trusts no signature of the checkpoint',
      cause: 'None of the signatures is a good one by a key that it trusts.',
      remedy: 'Compare the log keys that its operator configured with the policy.',
    },
  },
  'witness.ahead': {
    zh: {
      title: '见证方已见过更大的快照',
      cause: '见证方共签过的快照比这一份更新。',
      remedy: '请取最新的快照再试；若各成员都没有那么大的快照，请保留其应答并通知全体成员。',
    },
    en: {
      title: 'The witness has seen a larger checkpoint',
      cause: 'It has cosigned a newer one than this.',
      remedy: 'Take the newest and try again; if no member has one so large, keep its answer and tell all members.',
    },
  },
  'witness.other-history': {
    zh: {
      title: '见证方所见的历史不同',
      cause: '见证方共签过的快照与这一份不能前后一致：同一规模有两个根哈希，或一致性证明不成立。',
      remedy: '请保留两份快照作为证据，并通知全体成员与见证方的运营者。',
    },
    en: {
      title: 'The witness has seen another history',
      cause:
        'What it cosigned does not agree with this checkpoint: two roots for one size, or the proof does not hold.',
      remedy: 'Keep both checkpoints as evidence, and tell all members and the operator of the witness.',
    },
  },
  'witness.refused': {
    zh: { title: '见证方拒绝共签', cause: '见证方以其他理由拒绝（见详情）。', remedy: '请向见证方的运营者查询。' },
    en: {
      title: 'The witness refused',
      cause: 'It refused for another reason; see the detail.',
      remedy: 'Ask its operator.',
    },
  },
  'witness.bad-answer': {
    zh: {
      title: '见证方的应答不可用',
      cause: '应答不是规定的格式，或其中没有该见证方公钥的有效共签。',
      remedy: '请核对见证方的公钥；仍不成立时请通知其运营者。',
    },
    en: {
      title: 'The witness’s answer cannot be used',
      cause: 'It is not as the protocol says, or holds no good cosignature by the witness’s key.',
      remedy: 'Compare the witness’s key; if it is right, tell its operator.',
    },
  },
  'witness.too-large': {
    zh: {
      title: '请求过大',
      cause: `请求超过 ${requestBytesMax} 字节，部分见证方会拒收。`,
      remedy: '请不要附上成员的共签。',
    },
    en: {
      title: 'The request is too large',
      cause: `It has more than ${requestBytesMax} bytes, which some witnesses refuse.`,
      remedy: 'Do not send the members’ cosignatures along.',
    },
  },
}
