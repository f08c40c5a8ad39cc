/**
 * `key revoke`, `key rotate`, `key delegate` and `rules approve`: statements that a key signs about keys, or a centre about rules. Each is signed
 * by a key file, or by the centre key of a home; the same command again is the same statement.
 */
import { type Command, Option } from 'commander'
import { sha256 } from '#crypto'
import { toHex, utf8 } from '../../chain/bytes.ts'
import { knownTypeNames } from '../../chain/catalogue/catalogue.ts'
import { canonicalJson, type JsonObject } from '../../chain/json.ts'
import { Refusal } from '../../chain/refusal.ts'
import { signStatement } from '../../chain/statement.ts'
import { clientFor, urlOf } from './connection.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { readText, writeWhole } from './files.ts'
import { passphraseFrom } from './founding-commands.ts'
import { both } from './language.ts'
import { sendStatement } from './records.ts'
import { loadSigningKey } from './signing-key.ts'
import type { Terminal } from './terminal.ts'

interface SigningOptions {
  readonly key?: string
  readonly home?: string
  readonly party?: string
  readonly ledger?: string
  readonly url?: string
  readonly passphraseFile?: string
  /** Write the signed statement here, and do not submit it. */
  readonly signOnly?: string
}

export function keyCommands(
  program: Command,
  terminal: Terminal,
  run: (command: Promise<ExitCode>) => Promise<void>,
): void {
  const t = (zh: string, en: string): string => terminal.text({ zh, en })
  const list = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]
  const home = new Option(
    '--home <directory>',
    t('成员主目录，以本中心密钥签名', 'home of a member: sign with its centre key'),
  ).env('GONGZHENG_HOME')
  const url = new Option('--url <url>', t('节点网址', 'URL of the node')).env('GONGZHENG_URL')
  const passphrase = new Option(
    '--passphrase-file <file>',
    t('写有密钥口令的文件', 'file with the passphrase of the keys'),
  ).env('GONGZHENG_PASSPHRASE_FILE')
  const key = program.command('key').description(t('撤销、轮换、授权密钥', 'revoke, rotate and delegate keys'))
  const signedBy = (command: Command): Command =>
    command
      .option('--key <file>', t('签署所用的密钥文件', 'file of the key that signs'))
      .addOption(home)
      .option('--party <id>', t('主体标识（默认密钥文件所记）', 'party id (default: the key file’s)'))
      .option('--ledger <id>', t('账本标识（默认向节点询问）', 'ledger id (default: asked of the node)'))
      .option('--sign-only <file>', t('只签名，写到文件，不提交', 'sign only, write to a file, do not submit'))
      .addOption(url)
      .addOption(passphrase)
  signedBy(
    key
      .command('revoke')
      .description(
        t(
          '撤销密钥：由其本身、同一单位的其他密钥，或曾确认它的成员中心',
          'revoke a key: by itself, by another key of its company, or by a centre that vouched for it',
        ),
      )
      .requiredOption('--kid <kid>', t('被撤销的密钥', 'the key to be revoked'))
      .requiredOption('--reason <reason>', 'compromised | lost | superseded | ceased | not-theirs | other'),
  ).action((options: Parameters<typeof keyRevoke>[0]) => run(keyRevoke(options, terminal)))
  signedBy(
    key
      .command('rotate')
      .description(
        t('以新密钥的申请接替签署本命令的密钥', 'let the key of a request take the place of the one that signs'),
      )
      .argument('<request>', t('登记申请文件', 'the request’s file'))
      .option('--ends-at <time>', t('原密钥终止时间（默认即时）', 'when the old key ends (default: at once)')),
  ).action((request: string, options: Omit<Parameters<typeof keyRotate>[0], 'request'>) =>
    run(keyRotate({ ...options, request }, terminal)),
  )
  signedBy(
    key
      .command('delegate')
      .description(t('授权日常密钥，限定类型与期限', 'delegate to a daily key, for some types and a term'))
      .argument(
        '<request>',
        t('登记申请文件，带 --delegator 与 --type', 'the request’s file, made with --delegator and --type'),
      ),
  ).action((request: string, options: Omit<Parameters<typeof keyDelegate>[0], 'request'>) =>
    run(keyDelegate({ ...options, request }, terminal)),
  )
  signedBy(
    program
      .command('rules')
      .description(t('规则生效', 'rules in force'))
      .command('approve')
      .description(
        t('成员中心批准记录类型自某高度起生效', 'a centre approves that record types are in force from a height on'),
      )
      .requiredOption('--type <type>', t('类型与版本，可多次给出', 'name with version, repeatable'), list)
      .requiredOption('--height <height>', t('生效高度', 'height')),
  ).action((options: Parameters<typeof rulesApprove>[0]) => run(rulesApprove(options, terminal)))
}

function keyRevoke(
  { kid, reason, ...options }: SigningOptions & { readonly kid: string; readonly reason: string },
  terminal: Terminal,
): Promise<ExitCode> {
  return signAndSend('key.revoke@1', { kid, reason }, options, terminal)
}

function keyRotate(
  { request, endsAt, ...options }: SigningOptions & { readonly request: string; readonly endsAt?: string },
  terminal: Terminal,
): Promise<ExitCode> {
  const fields = { request: readText(request).trim(), ...(endsAt === undefined ? {} : { endsAt }) }
  return signAndSend('key.rotate@1', fields, options, terminal)
}

function keyDelegate(
  { request, ...options }: SigningOptions & { readonly request: string },
  terminal: Terminal,
): Promise<ExitCode> {
  return signAndSend('key.delegate@1', { request: readText(request).trim() }, options, terminal)
}

function rulesApprove(
  { type, height, ...options }: SigningOptions & { readonly type: readonly string[]; readonly height: string },
  terminal: Terminal,
): Promise<ExitCode> {
  if (!/^[1-9][0-9]{0,14}$/.test(height)) {
    throw new CommandFailure('usage.wrong', `--height ${height}`, exitCode.unusable)
  }
  const types = Array.from(new Set(type)).sort((a, b) => (a < b ? -1 : 1))
  const unknown = types.filter((name) => !knownTypeNames.includes(name))
  if (unknown.length > 0) {
    terminal.remark(
      both(
        `注意：本软件不认识 ${unknown.join('、')}；本节点若不升级，将在高度 ${height} 之前停止。`,
        `Note: this software does not know ${unknown.join(', ')}; unless it is changed, this node stops before height ${height}.`,
      ),
    )
  }
  return signAndSend('rules.activate@1', { types, height: Number(height) }, options, terminal)
}

async function signAndSend(
  type: string,
  fields: JsonObject,
  { key, home, signOnly, ...options }: SigningOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const signing = await loadSigningKey({
    ...(key === undefined ? {} : { key }),
    ...(home === undefined ? {} : { home }),
    passphrase: passphraseFrom(options.passphraseFile),
  })
  const party = options.party ?? signing.party
  if (party === undefined) throw new Refusal('key.no-party')
  const url = urlOf(options.url, signing.home?.url)
  const ledger = options.ledger ?? signing.home?.ledger ?? (await clientFor(url, terminal.language).status()).ledger
  const idempotencyKey = `${type}-${toHex(sha256(utf8(canonicalJson(fields)))).slice(0, 32)}`
  const statement = signStatement({ ...fields, ledger, type, party, key: idempotencyKey }, signing.signer)
  if (signOnly === undefined) return sendStatement(statement, { url, waitSeconds: undefined }, terminal)
  writeWhole(signOnly, `${statement}\n`)
  terminal.say(both(`已签名：${signOnly}`, `Signed: ${signOnly}`))
  terminal.json({ ok: true, statement: signOnly })
  return exitCode.done
}
