/**
 * The commands, their options and their help, in the language of whoever asks. Parsing is commander's; what a command does is in the file
 * named after it; how it ends is an exit code (docs/cli.md).
 */
import { Command, CommanderError, Option } from 'commander'
import manifest from '../../../package.json' with { type: 'json' }
import { type AuditCommandOptions, auditCommand } from './audit.ts'
import { bidCommands } from './bid.ts'
import { bundleExport, type VerifyBundleOptions, verifyBundleFile } from './bundle.ts'
import { type CheckOptions, check } from './check.ts'
import { defaultUrl } from './connection.ts'
import { type DevnetOptions, defaultNodes, defaultPort, devnet } from './devnet.ts'
import { devnetHomes } from './devnet-homes.ts'
import { type ExportLedgerOptions, exportLedgerCommand } from './export.ts'
import { CommandFailure, type ExitCode, exitCode, failureOf, report } from './failure.ts'
import { type FaultVerifyOptions, faultVerify } from './fault.ts'
import {
  type GenesisSignOptions,
  genesisCard,
  genesisCollect,
  genesisFingerprint,
  genesisNew,
  genesisReview,
  genesisSign,
  type InitOptions,
  init,
} from './founding-commands.ts'
import { type ImportKind, type ImportOptions, importFile } from './import/import.ts'
import { ledgerImport } from './import-ledger.ts'
import { keyCommands } from './keys.ts'
import { languageOfCommand } from './language.ts'
import { receiptCommands } from './receipt.ts'
import { type GetOptions, get, type SubmitOptions, status, submit, type VerifyOptions, verify } from './records.ts'
import {
  type ApproveOptions,
  type KeygenOptions,
  keygen,
  type RequestOptions,
  registerApprove,
  registerRequest,
} from './registration.ts'
import { replay } from './replay.ts'
import { type StartOptions, start } from './start.ts'
import { Terminal, type TerminalStreams } from './terminal.ts'
import { witnessCommands } from './witness.ts'

/** Runs one command. `argv` without the program's own name. Never throws: every end is an exit code, with words where it is a bad one. */
export async function runCommand(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  streams?: TerminalStreams,
): Promise<ExitCode> {
  const language = languageOfCommand(argv, env)
  const json = argv.includes('--json')
  const terminal = streams === undefined ? new Terminal({ language, json }) : new Terminal({ language, json }, streams)
  let ended: ExitCode = exitCode.done
  const program = programFor(terminal, async (command) => {
    ended = await command
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return ended
  } catch (error) {
    // Help and version are answers; commander ends them as errors so that nothing else runs.
    if (error instanceof CommanderError && error.exitCode === 0) return exitCode.done
    // Help because no command was named has said everything already.
    if (error instanceof CommanderError && error.code === 'commander.help') return exitCode.unusable
    const failure = failureOf(error, language)
    report(failure, terminal)
    return failure.exit
  }
}

type Run = (command: Promise<ExitCode> | ExitCode) => Promise<void>

function programFor(terminal: Terminal, run: Run): Command {
  const t = (zh: string, en: string): string => terminal.text({ zh, en })
  const program = new Command('gongzheng')
  program
    .description(t('共证（联合存证）：公共资源交易的许可链账本', 'A permissioned ledger for public-resource trading'))
    .version(manifest.version, '-V, --version', t('显示版本', 'show the version'))
    .helpOption('-h, --help', t('显示帮助', 'show help'))
    .helpCommand('help [command]', t('显示某个命令的帮助', 'show help for a command'))
    .addOption(
      new Option('--lang <language>', t('语言', 'language'))
        .choices(['zh', 'en'])
        .default(undefined, t('随系统', 'that of the system')),
    )
    .option('--json', t('以 JSON 作答，供程序使用', 'answer in JSON, for programs'))
    .exitOverride()
    // Complaints are ours, with words of our own; help that was not asked for still goes to standard error.
    .configureOutput({
      outputError: () => undefined,
      writeOut: (text) => terminal.raw(text),
      writeErr: (text) => terminal.remark(text.trimEnd()),
    })
    .configureHelp({
      showGlobalOptions: true,
      styleTitle: (title) => (terminal.language === 'zh' ? (titles[title] ?? title) : title),
    })
    .addHelpText(
      'after',
      t(
        '\n退出码：0 成功；1 被拒绝或未通过验证；2 命令、文件或配置有误；3 没有应答；4 已接收而尚未共证；5 节点故障停止。\n详见 docs/cli.zh.md。',
        '\nExit codes: 0 done; 1 refused or not verified; 2 command, file or configuration wrong; 3 no answer; 4 received, not attested yet; 5 the node failed.\nSee docs/cli.md.',
      ),
    )

  const home = (): Option =>
    new Option('--home <directory>', t('节点主目录', 'home directory of the node')).env('GONGZHENG_HOME').default('.')
  const homeOfCentre = (): Option =>
    new Option(
      '--home <directory>',
      t('成员主目录，以本中心密钥签名', 'home of a member: sign with its centre key'),
    ).env('GONGZHENG_HOME')
  const url = (): Option =>
    new Option('--url <url>', t(`节点网址（默认 ${defaultUrl}）`, `URL of the node (default ${defaultUrl})`)).env(
      'GONGZHENG_URL',
    )
  const passphrase = (): Option =>
    new Option('--passphrase-file <file>', t('写有密钥口令的文件', 'file with the passphrase of the keys')).env(
      'GONGZHENG_PASSPHRASE_FILE',
    )
  const list = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

  // ── a devnet ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  program
    .command('devnet')
    .description(
      t(
        '在本机运行四个城市的试验网，并备好一个已登记的提交方',
        'run a trial ledger of four cities here, with a submitter that is registered',
      ),
    )
    .option('--dir <directory>', t('数据目录', 'where its data are'), '.devnet')
    .option(
      '--port <port>',
      t(
        `第一个接口端口，0 为任意空闲端口（默认沿用上次或 ${defaultPort}）`,
        `first API port, 0 for free ones (default: as last time, or ${defaultPort})`,
      ),
      portOf,
    )
    .option(
      '--nodes <count>',
      t(
        `节点数（默认 ${defaultNodes}，只在第一次有效）`,
        `number of nodes (default ${defaultNodes}, fixed by the first start)`,
      ),
      countOf,
    )
    .option(
      '--homes <directory>',
      t(
        '只创立：把各成员主目录放到此处，供以成员标识为主机名的容器启动',
        'only found it, and put each home here for a host (a container) that is named like its member',
      ),
    )
    .action((options: DevnetOptions & { readonly homes?: string }) => {
      const { homes } = options
      return run(homes === undefined ? devnet(options, terminal) : devnetHomes({ ...options, homes }, terminal))
    })

  // ── a member ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  program
    .command('init')
    .description(t('建立成员主目录：密钥、配置、名片', 'make the home of a member: keys, configuration, card'))
    .requiredOption('--charter <file>', t('章程草案（gongzheng genesis new）', 'charter draft (gongzheng genesis new)'))
    .requiredOption('--member <id>', t('成员标识，如 guangzhou', 'member id, like guangzhou'))
    .requiredOption('--name <name>', t('成员名称', 'name of the organisation'))
    .requiredOption('--region <code>', t('GB/T 2260 六位地区代码', 'GB/T 2260 code, six digits'))
    .requiredOption('--party <id>', t('主体标识，如 uscc:…', 'party id, like uscc:…'))
    .addOption(home())
    .option(
      '--listen <multiaddr>',
      t(
        '监听其他成员的地址，可多次给出；不给则只向外连接',
        'address for other members, repeatable; without it the node only dials out',
      ),
      list,
    )
    .option(
      '--address <multiaddr>',
      t('写进创世文件、供其他成员连接的地址，可多次给出', 'address announced in the genesis, repeatable'),
      list,
    )
    .option('--api <host:port>', t('公开接口', 'public API'), '127.0.0.1:8440')
    .option(
      '--private <socket|host:port>',
      t(
        '内部接口（代签明文数据）：unix socket 路径或本机端口',
        'private listener that signs plain data: a unix socket or a port on loopback',
      ),
    )
    .option(
      '--governance-key <file>',
      t(
        '治理密钥文件（默认 ./<成员>-governance-key.json，请离线保管）',
        'governance key file (default ./<member>-governance-key.json; keep it off-line)',
      ),
    )
    .addOption(passphrase())
    .action((options: InitOptions) => run(init(options, terminal)))

  const genesis = program
    .command('genesis')
    .description(
      t('创立账本：各成员以文件交换名片与签名', 'found a ledger: members exchange cards and signatures as files'),
    )
  genesis
    .command('new')
    .description(t('起草章程：账本名称与创世标识', 'draft a charter: name and founding id'))
    .requiredOption(
      '--name <name>',
      t('账本名称，域名形式，如 gongzheng.example', 'name of the ledger, like gongzheng.example'),
    )
    .option('--out <file>', t('写到', 'write to'), 'charter.json')
    .action((options: { name: string; out: string }) => run(genesisNew(options, terminal)))
  genesis
    .command('card')
    .description(t('再次取出本成员的名片', 'the card of this member, once more'))
    .addOption(home())
    .option('--out <file>', t('写到（默认标准输出）', 'write to (default standard output)'))
    .action((options: { home: string; out?: string }) => run(genesisCard(options, terminal)))
  genesis
    .command('collect')
    .description(
      t(
        '由章程与名片生成创世文件；核验并收集签名文件',
        'make the genesis of charter and cards; check and gather signatures',
      ),
    )
    .argument(
      '<files...>',
      t('章程、名片、创世文件或签名文件，次序不限', 'charter, cards, genesis or signature files, in any order'),
    )
    .addOption(home())
    .action((files: string[], options: { home: string }) => run(genesisCollect({ ...options, files }, terminal)))
  genesis
    .command('review')
    .description(
      t('逐项列出创世文件：成员、密钥、参数、指纹', 'show the genesis plainly: members, keys, parameters, fingerprint'),
    )
    .argument('[file]', t('创世文件（默认主目录中的）', 'genesis file (default: that of the home)'))
    .addOption(home())
    .action((file: string | undefined, options: { home: string }) =>
      run(genesisReview({ ...options, ...(file === undefined ? {} : { file }) }, terminal)),
    )
  genesis
    .command('sign')
    .description(t('以治理密钥签署创世文件', 'sign the genesis with the governance key'))
    .argument('[file]', t('创世文件（默认主目录中的）', 'genesis file (default: that of the home)'))
    .requiredOption('--governance-key <file>', t('治理密钥文件', 'governance key file'))
    .option(
      '--fingerprint <fingerprint>',
      t(
        '与其他成员核对过的指纹；不给则在终端询问',
        'the fingerprint as compared with the others; asked for in a terminal without it',
      ),
    )
    .option(
      '--out <file>',
      t('签名文件（默认 <成员>.genesis-signature.json）', 'signature file (default <member>.genesis-signature.json)'),
    )
    .addOption(home())
    .addOption(passphrase())
    .action((file: string | undefined, options: Omit<GenesisSignOptions, 'file'>) =>
      run(genesisSign({ ...options, ...(file === undefined ? {} : { file }) }, terminal)),
    )
  genesis
    .command('fingerprint')
    .description(t('显示指纹，供电话核对', 'show the fingerprint, to compare by telephone'))
    .argument('[file]', t('创世文件（默认主目录中的）', 'genesis file (default: that of the home)'))
    .addOption(home())
    .action((file: string | undefined, options: { home: string }) =>
      run(genesisFingerprint({ ...options, ...(file === undefined ? {} : { file }) }, terminal)),
    )

  program
    .command('start')
    .description(t('启动本成员的节点', 'start the node of this member'))
    .addOption(home())
    .addOption(passphrase())
    .action((options: StartOptions) => run(start(options, terminal)))
  program
    .command('replay')
    .description(
      t(
        '由创世起重新执行已停止节点的全部区块，并与所存状态比对',
        'execute all blocks of a stopped node again from the genesis and compare',
      ),
    )
    .addOption(home())
    .action((options: { home: string }) => run(replay(options, terminal)))
  program
    .command('status')
    .description(t('节点与账本的状况，以及还缺什么', 'how node and ledger are, and what is missing'))
    .addOption(url())
    .action((options: { url?: string }) => run(status(options, terminal)))

  // ── a submitter ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  program
    .command('keygen')
    .description(t('生成提交方密钥（JWK）', 'make a submitter’s key (JWK)'))
    .option('--out <file>', t('写到', 'write to'), 'key.json')
    .option('--party <id>', t('主体标识，如 uscc:…，记入密钥文件', 'party id, like uscc:…, noted in the key file'))
    .action((options: KeygenOptions) => run(keygen(options, terminal)))
  const register = program
    .command('register')
    .description(
      t('登记密钥：提交方申请，成员中心批准', 'register a key: the submitter asks, a member’s centre approves'),
    )
  register
    .command('request')
    .description(t('以新密钥签署登记申请', 'sign a request with the new key'))
    .requiredOption('--key <file>', t('密钥文件', 'key file'))
    .option('--name <name>', t('单位名称；自然人不填', 'name of the organisation; none for a natural person'))
    .option('--party <id>', t('主体标识（默认密钥文件所记）', 'party id (default: the key file’s)'))
    .option('--role <role>', t('角色，可多次给出', 'role, repeatable'), list)
    .option('--delegator <kid>', t('日常密钥：授权它的密钥', 'for a daily key: the key that delegates to it'))
    .option('--type <type>', t('日常密钥可签的类型，可多次给出', 'type that a daily key may sign, repeatable'), list)
    .option('--not-before <time>', t('生效时间（RFC 3339）', 'valid from (RFC 3339)'))
    .option('--not-after <time>', t('失效时间（RFC 3339）', 'valid until (RFC 3339)'))
    .option('--ledger <id>', t('账本标识（默认向节点询问）', 'ledger id (default: asked of the node)'))
    .addOption(url())
    .option('--out <file>', t('写到', 'write to'), 'key-request.jws')
    .action((options: RequestOptions) => run(registerRequest(options, terminal)))
  register
    .command('approve')
    .description(t('成员中心以中心密钥批准申请并提交', 'a centre approves with its centre key, and submits'))
    .argument('<request>', t('登记申请文件', 'the request’s file'))
    .addOption(home())
    .addOption(url())
    .option('--yes', t('不再询问', 'do not ask'))
    .addOption(passphrase())
    .action((request: string, options: Omit<ApproveOptions, 'request'>) =>
      run(registerApprove({ ...options, request }, terminal)),
    )
  program
    .command('submit')
    .description(t('签名并提交；或提交已签名的报文', 'sign and submit; or submit a statement that is signed'))
    .argument(
      '<file>',
      t(
        'JSON 字段、紧凑 JWS 或回执文件，- 为标准输入',
        'JSON fields, a compact JWS, or a receipt with its statement; - for standard input',
      ),
    )
    .option('--key <file>', t('密钥文件', 'key file'))
    .addOption(homeOfCentre())
    .option('--party <id>', t('主体标识（默认密钥文件所记）', 'party id (default: the key file’s)'))
    .option('--wait', t('等到共证', 'wait until it is attested'))
    .option('--wait-seconds <seconds>', t('最多等这么久', 'wait for so long at most'))
    .option(
      '--receipt <file>',
      t('回执写到此文件；日后以 receipt status 查询', 'write the receipt here; `receipt status` answers for it later'),
    )
    .option('--sign-only <file>', t('只签名，写到文件，不提交', 'sign only, write to a file, do not submit'))
    .addOption(url())
    .addOption(passphrase())
    .action((file: string, options: Omit<SubmitOptions, 'file'>) => run(submit({ ...options, file }, terminal)))
  const imports = program
    .command('import')
    .description(
      t(
        '导入：其他系统的数据（逐项签名并提交，重复运行不改变账本），或账本的导出',
        'import what other systems hold (sign and submit each item; a second run changes nothing), or an export of the ledger',
      ),
    )
  const importing = (kind: ImportKind, command: Command): Command =>
    command
      .argument('<file>', t('文件，- 为标准输入', 'file; - for standard input'))
      .option('--key <file>', t('密钥文件', 'key file'))
      .addOption(homeOfCentre())
      .option('--party <id>', t('主体标识（默认密钥文件所记）', 'party id (default: the key file’s)'))
      .option(
        '--dry-run',
        t('只读取、映射并核对字段，不签名不提交', 'read, map and check the fields; sign and submit nothing'),
      )
      .addOption(url())
      .addOption(passphrase())
      .action((file: string, options: Omit<ImportOptions, 'file'>) =>
        run(importFile(kind, { ...options, file }, terminal)),
      )
  ledgerImport(imports, { home: home(), passphrase: passphrase() }, terminal, run)
  importing('notices', imports.command('notices')).description(
    t('全国公共资源交易平台的公告元数据（JSON 或 CSV）', 'notices as the national platform lists them (JSON or CSV)'),
  )
  importing('datasets', imports.command('datasets'))
    .description(
      t(
        '全国数据规范的数据集：工程建设 500–523、政府采购 550–557（JSON 或 CSV）',
        'data sets of the national specification: construction 500–523, procurement 550–557 (JSON or CSV)',
      ),
    )
    .option('--owner <id>', t('文件未写明招标人时的主体标识', 'party id of the owner where the file says none'))
    .option('--region <code>', t('文件未写明地区时的 GB/T 2260 代码', 'GB/T 2260 code where the file says none'))
  importing('ocds', imports.command('ocds')).description(
    t('OCDS 1.1 发布或发布包（JSON）', 'OCDS 1.1 releases or packages (JSON)'),
  )
  program
    .command('get')
    .description(
      t('查询一条记录，并取得离线验证所需的文件', 'look up a record, and get the files to verify it off-line'),
    )
    .argument('<id>', t('编号或报文标识', 'index or statement id'))
    .option('--proof <file>', t('证明文件写到', 'write the proof file to'))
    .option('--entry <file>', t('条目原始字节写到', 'write the entry’s bytes to'))
    .option(
      '--policy <file>',
      t(
        '验证信任清单写到（使用前请与其他成员核对）',
        'write the policy to (compare it with other members before you trust it)',
      ),
    )
    .addOption(url())
    .action((id: string, options: Omit<GetOptions, 'id'>) => run(get({ ...options, id }, terminal)))
  program
    .command('check')
    .description(
      t(
        '技术核验：文件的哈希是否在账本上、在哪条记录（文件不上传）',
        'is the hash of a file on the ledger, and in which record (the file stays here)',
      ),
    )
    .argument('[files...]', t('文件', 'files'))
    .option('--hash <hex>', t('直接给出哈希，可多次给出', 'a hash instead of a file, repeatable'), list)
    .addOption(
      new Option('--algorithm <name>', t('哈希算法', 'hash algorithm')).choices(['sha256', 'sm3']).default('sha256'),
    )
    .option('--record <id>', t('只与此记录核对：编号或报文标识', 'against this record only: index or statement id'))
    .addOption(url())
    .action((files: readonly string[], options: Omit<CheckOptions, 'files'>) => {
      if (files.length + (options.hash ?? []).length === 0)
        throw new CommandFailure('usage.wrong', 'check: FILE | --hash', exitCode.unusable)
      return run(check({ ...options, files }, terminal))
    })
  program
    .command('verify')
    .description(
      t(
        '离线验证：取证包，或信任清单、证明、条目三个文件；不信任任何服务器',
        'verify off-line: a court bundle, or policy, proof and entry; no server is trusted',
      ),
    )
    .argument('[bundle]', t('取证包（.zip）', 'court bundle (.zip)'))
    .option(
      '--fingerprint <fingerprint>',
      t('章程所印的账本指纹（取证包）', 'fingerprint as the charter prints it (bundle)'),
    )
    .option('--policy <file>', t('验证信任清单', 'policy file'))
    .option('--proof <file>', t('证明文件', 'proof file'))
    .option('--entry <file>', t('条目的原始字节', 'the entry’s bytes'))
    .action((file: string | undefined, options: Partial<VerifyOptions> & Omit<VerifyBundleOptions, 'file'>) => {
      const { policy, proof, entry, fingerprint } = options
      if (file !== undefined && proof === undefined && entry === undefined) {
        return run(verifyBundleFile({ ...options, file }, terminal))
      }
      if (
        file !== undefined ||
        policy === undefined ||
        proof === undefined ||
        entry === undefined ||
        fingerprint !== undefined
      ) {
        throw new CommandFailure('usage.wrong', 'verify: BUNDLE | --policy --proof --entry', exitCode.unusable)
      }
      return run(verify({ policy, proof, entry }, terminal))
    })

  program
    .command('audit')
    .description(
      t(
        '独立审计：由创世起核验节点或导出目录提供的一切，并相互比对',
        'check everything that nodes or exports serve from the genesis on, and compare them',
      ),
    )
    .argument(
      '<sources...>',
      t('节点网址或导出目录，一个或多个', 'URLs of nodes or directories of exports, one or more'),
    )
    .option('--fingerprint <fingerprint>', t('账本指纹，见章程', 'fingerprint of the ledger, as in its charter'))
    .option('--genesis <file>', t('创世文件，代替指纹', 'genesis of the ledger, instead of the fingerprint'))
    .option('--policy <file>', t('验证信任清单，快照须另外满足', 'policy that every checkpoint has to satisfy as well'))
    .option(
      '--state <directory>',
      t('审计目录：再次审计时只取新的部分', 'what is kept for the next audit, which then fetches only what is new'),
    )
    .option(
      '--every-block',
      t(
        '逐一比对每个来源的全部区块（默认只从一个来源读取）',
        'compare all blocks of every source (default: read them from one)',
      ),
    )
    .option(
      '--timeout <seconds>',
      t('一次请求最多等这么久（默认 60）', 'wait so long for one request at most (default 60)'),
    )
    .action((sources: readonly string[], options: Omit<AuditCommandOptions, 'sources'>) =>
      run(auditCommand({ ...options, sources }, terminal)),
    )
  const exports = program
    .command('export')
    .description(t('导出：离开网络后仍可核验', 'exports: what stays verifiable when the network is gone'))
  exports
    .command('ledger')
    .description(t('把整个账本导出为静态文件', 'the whole ledger as static files'))
    .argument('<url>', t('节点网址', 'URL of a node'))
    .argument('<directory>', t('导出到', 'write to'))
    .action((url: string, directory: string) => {
      const options: ExportLedgerOptions = { url, directory }
      return run(exportLedgerCommand(options, terminal))
    })
  bundleExport(exports, terminal, run)
  const fault = program
    .command('fault')
    .description(
      t('矛盾签名：同一密钥签署了互相矛盾的内容', 'fault proofs: what one key signed that contradicts itself'),
    )
  fault
    .command('verify')
    .description(t('核验矛盾签名文件，只需文件本身', 'check a fault proof, with nothing but the file'))
    .argument('<file>', t('矛盾签名文件', 'the fault proof'))
    .option('--genesis <file>', t('创世文件，用以指明是哪个成员', 'genesis of the ledger, to name the member'))
    .option('--policy <file>', t('验证信任清单，用以指明共签成员', 'policy of the ledger, to name a cosigner'))
    .option(
      '--epoch <file>',
      t(
        '创世之后各届的换届证明（/v1/epochs/<届次>/proof），可多次给出',
        'proof of an epoch after the founding (/v1/epochs/<number>/proof), repeatable',
      ),
      (value: string, before: readonly string[] = []) => [...before, value],
    )
    .action((file: string, options: Omit<FaultVerifyOptions, 'file'>) =>
      run(faultVerify({ ...options, file }, terminal)),
    )
  bidCommands(program, terminal, run)
  receiptCommands(program, terminal, run)
  keyCommands(program, terminal, run)
  witnessCommands(program, terminal, run)

  localiseHelp(program, t)
  return program
}

/** Commander's own words, which it does not let one set in one place. */
const titles: Readonly<Record<string, string>> = {
  'Usage:': '用法：',
  'Options:': '选项：',
  'Global Options:': '通用选项：',
  'Commands:': '命令：',
  'Arguments:': '参数：',
}

function localiseHelp(command: Command, t: (zh: string, en: string) => string): void {
  for (const child of command.commands) {
    child.helpOption('-h, --help', t('显示帮助', 'show help'))
    if (child.commands.length > 0)
      child.helpCommand('help [command]', t('显示某个命令的帮助', 'show help for a command'))
    localiseHelp(child, t)
  }
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  // Room for the ports that are derived from it.
  if (port < 0 || port > 65_000) throw new CommandFailure('usage.wrong', `--port ${text}`, exitCode.unusable)
  return port
}

function countOf(text: string): number {
  if (!/^\d{1,2}$/.test(text)) throw new CommandFailure('usage.wrong', `--nodes ${text}`, exitCode.unusable)
  return Number(text)
}
