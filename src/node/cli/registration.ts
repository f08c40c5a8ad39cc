/**
 * How a submitter's key gets onto the ledger: `keygen`, then `register request` (the new key signs what it is to be), then `register
 * approve` at a member: the centre's own word that this key is that company's. Two members' words make the key count everywhere; one
 * alone counts in that member's scope (单方登记).
 */
import { sha256 } from '#crypto'
import { toHex, utf8 } from '../../chain/bytes.ts'
import { keyRequestBytesMax, keyRequestTypes } from '../../chain/catalogue/key-request.ts'
import { firstEditionRoles, type Role, roles } from '../../chain/catalogue/register.ts'
import { parseParty } from '../../chain/catalogue/values.ts'
import type { JsonObject } from '../../chain/json.ts'
import { verifySignature } from '../../chain/keys.ts'
import { Refusal } from '../../chain/refusal.ts'
import { parseSignedObject, type StatementSigner, signStatement } from '../../chain/statement.ts'
import { SystemRandom } from '../system-clock.ts'
import { clientFor, urlOf } from './connection.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { readText, writeWhole } from './files.ts'
import { passphraseFrom } from './founding-commands.ts'
import { both } from './language.ts'
import { sendStatement } from './records.ts'
import { loadSigningKey, newJwk, writeSecret } from './signing-key.ts'
import type { Terminal } from './terminal.ts'

export interface KeygenOptions {
  readonly out: string
  readonly party?: string
}

export function keygen({ out, party }: KeygenOptions, terminal: Terminal): ExitCode {
  if (party !== undefined) checkParty(party)
  const { text, kid } = newJwk(new SystemRandom(), party)
  writeSecret(out, text)
  terminal.say(
    both(
      `密钥已生成：${out}（仅本人可读，请备份）\n公钥标识 kid：${kid}\n下一步：gongzheng register request --key ${out} --name 单位名称 --role trading-platform`,
      `Key made: ${out} (readable by you only; keep a copy)\nkid: ${kid}\nNext: gongzheng register request --key ${out} --name "Your Company" --role trading-platform`,
    ),
  )
  terminal.json({ ok: true, key: out, kid })
  return exitCode.done
}

export interface RequestOptions {
  readonly key: string
  readonly party?: string
  readonly name?: string
  readonly role?: readonly string[]
  readonly delegator?: string
  readonly type?: readonly string[]
  readonly notBefore?: string
  readonly notAfter?: string
  readonly ledger?: string
  readonly url?: string
  readonly out: string
}

export async function registerRequest(options: RequestOptions, terminal: Terminal): Promise<ExitCode> {
  const { signer, kid, ...key } = await loadSigningKey({ key: options.key })
  const party = options.party ?? key.party
  if (party === undefined) throw new Refusal('key.no-party')
  checkParty(party)
  const { name, role = [], notBefore, notAfter, delegator, type: types } = options
  if ((name === undefined) !== party.startsWith('person:')) {
    throw new CommandFailure('usage.wrong', `--name: ${party}`, exitCode.unusable)
  }
  const unknown = role.find((given) => !(roles as readonly string[]).includes(given))
  if (unknown !== undefined) {
    throw new CommandFailure('usage.wrong', `--role ${unknown}: ${roles.join(', ')}`, exitCode.unusable)
  }
  const ledger = options.ledger ?? (await clientFor(urlOf(options.url), terminal.language).status()).ledger
  const request = keyRequest(
    {
      ledger,
      party,
      ...(name === undefined ? {} : { name }),
      roles: role as readonly Role[],
      ...(delegator === undefined ? {} : { delegator }),
      ...(types === undefined ? {} : { types }),
      ...(notBefore === undefined ? {} : { notBefore }),
      ...(notAfter === undefined ? {} : { notAfter }),
    },
    signer,
  )
  writeWhole(options.out, `${request}\n`)
  terminal.say(
    both(
      `密钥申请：${options.out}\n下一步：把它交给成员中心批准（gongzheng register approve）；两个成员批准后在全网有效，只有一个则仅在该成员范围内有效。`,
      `Key request: ${options.out}\nNext: hand it to a member's centre (gongzheng register approve). With two members' approval the key counts everywhere, with one only in that member's scope.`,
    ),
  )
  terminal.json({ ok: true, request: options.out, kid, party, ledger })
  return exitCode.done
}

export interface ApproveOptions {
  readonly request: string
  readonly home: string
  readonly url?: string
  readonly yes?: boolean
  readonly passphraseFile?: string
}

/** The centre says that this key is that company's: shown in plain words before it is signed. */
export async function registerApprove(options: ApproveOptions, terminal: Terminal): Promise<ExitCode> {
  const jws = readText(options.request).trim()
  const key = await loadSigningKey({ home: options.home, passphrase: passphraseFrom(options.passphraseFile) })
  const { ledger, url } = key.home!
  const request = readRequest(jws, ledger)
  terminal.remark(
    both(
      `申请登记的密钥：\n  主体 ${request.party}\n  名称 ${request.name}\n  角色 ${request.roles.join('、') || '（无）'}\n  kid  ${request.kid}`,
      `The key to be registered:\n  party ${request.party}\n  name  ${request.name}\n  roles ${request.roles.join(', ') || '(none)'}\n  kid   ${request.kid}`,
    ),
  )
  if (options.yes !== true && terminal.isInteractive) {
    const answer = await terminal.ask(
      both(
        '已核实该密钥确属该单位？输入 yes 批准：',
        'Have you made sure that this key is theirs? Type yes to approve: ',
      ),
    )
    if (answer !== 'yes') throw new CommandFailure('founding.not-confirmed', request.kid, exitCode.refused)
  }
  const statement = approval({ ledger, party: key.party! }, jws, key.signer)
  return sendStatement(statement, { url: urlOf(options.url, url), waitSeconds: undefined }, terminal)
}

export interface KeyRequestFields {
  readonly ledger: string
  readonly party: string
  /** Absent for a natural person. */
  readonly name?: string
  readonly roles: readonly Role[]
  readonly notBefore?: string
  readonly notAfter?: string
  readonly delegator?: string
  readonly types?: readonly string[]
}

/** What the new key signs: possession, and what it is to be. In the first edition where that can say it: every ledger takes it. */
export function keyRequest(fields: KeyRequestFields, signer: StatementSigner): string {
  const isFirst =
    fields.name !== undefined &&
    fields.delegator === undefined &&
    fields.roles.every((role) => (firstEditionRoles as readonly Role[]).includes(role))
  const type = isFirst ? keyRequestTypes.first : keyRequestTypes.second
  return signStatement({ ...fields, type } as unknown as JsonObject, signer)
}

/** `party.register` around a request, in its edition. The same approver and request give the same statement, so repeating it is harmless. */
export function approval(
  approver: { readonly ledger: string; readonly party: string },
  request: string,
  signer: StatementSigner,
): string {
  const key = `register-${toHex(sha256(utf8(request))).slice(0, 32)}`
  const { payload } = parseSignedObject(request, keyRequestBytesMax)
  const type = payload.type === keyRequestTypes.second ? 'party.register@2' : 'party.register@1'
  return signStatement({ ...approver, type, key, request }, signer)
}

/** @throws {Refusal} party.request-malformed, party.request-bad-signature, statement.wrong-ledger */
function readRequest(jws: string, ledger: string) {
  let signed: ReturnType<typeof parseSignedObject>
  try {
    signed = parseSignedObject(jws, keyRequestBytesMax)
  } catch (error) {
    throw new Refusal('party.request-malformed', error instanceof Error ? error.message : String(error))
  }
  const { payload, signingKey, message, signature, kid } = signed
  const { type, party, name = '', roles: asked } = payload
  const isKnown = type === keyRequestTypes.first || type === keyRequestTypes.second
  if (!isKnown || typeof party !== 'string' || typeof name !== 'string' || !Array.isArray(asked)) {
    throw new Refusal('party.request-malformed', 'type, party, name or roles')
  }
  if (payload.ledger !== ledger) throw new Refusal('statement.wrong-ledger', String(payload.ledger))
  if (!verifySignature(signingKey, message, signature)) throw new Refusal('party.request-bad-signature', kid)
  return { kid, party, name, roles: asked.map(String) }
}

function checkParty(party: string): void {
  if (parseParty(party) !== undefined) return
  throw new Refusal(/^uscc:[0-9A-Z]{18}$/.test(party) ? 'party.bad-uscc' : 'party.malformed', party)
}
