/**
 * The page of a court bundle that explains it (说明.html): Chinese first, printable, one file with nothing outside it and no script. It is a
 * function of the facts alone, so whoever verifies a bundle makes the page again and compares: it can say nothing that the evidence does not.
 */
import { sha256 } from '#crypto'
import type { BundleFacts, EpochFacts } from './bundle-facts.ts'
import { concat, fromHex, toBase64, utf8 } from './bytes.ts'
import type { JsonValue } from './json.ts'
import { beijingTime, beijingTimeOfSeconds, withBeijingTime } from './time.ts'
import { visible } from './visible.ts'

/** Goes up with every change of what this file writes: a page of another edition cannot be made again, and is said to be so. */
export const explanationEdition = 3

export function explanationPage(facts: BundleFacts, names: readonly string[]): string {
  const policy = `default-src 'none'; style-src 'sha256-${toBase64(sha256(utf8(style)))}'; base-uri 'none'; form-action 'none'`
  return `<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>共证取证包说明 · 第 ${facts.index} 条</title>
<style>${style}</style>
</head>
<body>
<main>
${chinese(facts, names)}
${english(facts)}
</main>
</body>
</html>
`
}

function chinese(facts: BundleFacts, names: readonly string[]): string {
  const { founded, block, cosigners, members, key } = facts
  const last = Math.max(...cosigners.map(({ timeSeconds }) => timeSeconds))
  const nameOf = (id: string): string => members.find((member) => member.id === id)?.name ?? id
  return `<header>
<p class="brand">共证（联合存证）· 取证包</p>
<h1>电子数据取证说明</h1>
<p class="lead">账本 <b>${html(founded.name)}</b> 第 <b>${facts.index}</b> 条</p>
<dl class="print"><dt>账本指纹</dt><dd class="finger">${founded.fingerprint}</dd></dl>
<p class="note">请先将账本指纹与各成员共同签署的章程所印指纹核对。指纹一致，以下各项才是关于这个账本的。</p>
</header>

<section>
<h2>一、这份材料证明什么</h2>
<ol>
<li><b>存在与完整</b>：<code>record/entry.json</code> 的全部字节（${facts.leafBytes} 字节）是该账本的第 ${facts.index} 条。改动其中任何一个字节，验证即不成立。</li>
<li><b>时间</b>：它进入账本不早于 <b>${beijingTime(block.time)}</b>（第 ${block.height} 号区块的时间），不晚于 <b>${beijingTimeOfSeconds(last)}</b> 这一秒（成员共签的时间，以秒计）。${html(facts.receivedByName)}称于 ${beijingTime(facts.receivedAt)} 收到，此为该成员一方的陈述。</li>
<li><b>多方共同确认</b>：全部 ${members.length} 个成员中的 ${cosigners.length} 个已在含有本条的账本快照上共签（规则要求至少 ${facts.quorum} 个）。共签表示：该成员持有快照内的每一条，并逐条按规则核验过。</li>
${
  facts.kind === 'record'
    ? `<li><b>由谁提交</b>：报文由主体 <b>${html(facts.party)}</b> 登记的密钥签署，签名有效，他人不能冒签。${key === undefined ? '' : html(keyWords(facts))}</li>`
    : `<li><b>被拒绝</b>：本条是一份拒绝记录：标识为 <code>${facts.statementId}</code> 的报文被收到，并按规则 <code>${html(facts.refusalCode)}</code> 拒绝。</li>`
}
${originalWords(facts)}
</ol>
<p class="note"><b>不证明什么</b>：账本证明数据何时由谁提交、此后未被改动；报文所述内容在上链之前是否真实，须结合报文中的来源（系统、经办、方式、软件）另行判断。<b>本条之后</b>，账本上可以另有变更、替换、撤回、撤销或终止其效力的记录；本包不含、也不能证明没有这样的记录，现状须向成员查询。共证不是公证机构的公证。</p>
</section>

<section>
<h2>二、记录内容</h2>
<table>
<tr><th>类型</th><td>${facts.kind === 'record' ? html(facts.type) : '拒绝记录'}</td></tr>
<tr><th>报文标识</th><td><code>${facts.statementId}</code></td></tr>
${facts.payload === undefined ? '' : payloadRows(facts.payload)}
</table>
</section>

<section>
<h2>三、共签的成员与时间</h2>
<table>
<tr><th>成员</th><th>共签时间（该成员的时钟）</th></tr>
${cosigners.map(({ name, timeSeconds }) => `<tr><td>${html(nameOf(name))}（${html(name)}）</td><td>${beijingTimeOfSeconds(timeSeconds)}</td></tr>`).join('\n')}
</table>
<p>快照：共 ${facts.size} 条，树根 <code>${toBase64(fromHex(facts.root)!)}</code>。</p>
</section>

<section>
<h2>四、成员沿革</h2>
${membership(facts)}
</section>

<section>
<h2>五、怎样自己核对</h2>
<p><b>最简单的办法</b>：断开网络，双击 <code>验证.html</code>，把整个取证包（.zip）拖入页面。逐项显示绿色（成立）或红色（不成立）。验证页应取自可信的来源，例如任一成员公布的一份，而不只是包内的这一份。</p>
<p><b>用本项目的命令</b>：<code>gongzheng verify 取证包.zip --fingerprint ${founded.fingerprint}</code></p>
<p><b>用其他工具</b>：先解压，在解压所得的目录内执行。证明文件、信任清单与快照是公开格式（C2SP tlog-proof、tlog-policy、tlog-checkpoint、tlog-cosignature），任何支持这些格式的工具都能核对 <code>record/proof.tlog-proof</code>、<code>policy.txt</code> 与 <code>record/entry.json</code>。</p>
${steps(facts)
  .map(
    ({ title, unix, windows, expected }) => `<div class="step">
<h3>${title.zh}</h3>
<div class="twins">
<div><p>Linux、macOS</p><pre data-system="unix">${html(unix)}</pre></div>
<div><p>Windows（PowerShell）</p><pre data-system="windows">${html(windows)}</pre></div>
</div>
<p>应得：<code>${html(expected)}</code></p>
</div>`,
  )
  .join('\n')}
</section>

<section>
<h2>六、包内文件</h2>
<table>
${[...names]
  .sort()
  .map((name) => `<tr><td><code>${html(name)}</code></td><td>${html(purposeOf(name))}</td></tr>`)
  .join('\n')}
</table>
<p class="note">导出所用软件：${html(facts.software)}。算法：SHA-256（RFC 6962 哈希树），Ed25519 签名（RFC 8032），JWS（RFC 7515），规范 JSON（RFC 8785）。</p>
</section>`
}

function membership({ founded, block, epochs }: BundleFacts): string {
  const list = (members: EpochFacts['members']): string => `<table>
<tr><th>成员</th><th>标识</th><th>地区</th><th>主体</th></tr>
${members.map(({ id, name, region, party }) => `<tr><td>${html(name)}</td><td>${html(id)}</td><td>${html(region)}</td><td>${html(party)}</td></tr>`).join('\n')}
</table>`
  const begun = `账本于 ${beijingTime(founded.foundedAt)} 创立。`
  const [only, ...later] = epochs
  if (later.length === 0) {
    return `<p>${begun}自创世至本条所在区块为第 ${block.epoch} 届，成员名单未有变动：</p>
${list(only!.members)}`
  }
  return `<p>${begun}至共签本快照时，成员有过 ${later.length} 次变动，每次由上一届成员或其治理密钥签署，证明在 <code>members/</code> 内；本条属第 ${block.epoch} 届。</p>
${epochs
  .map(
    ({ number, begunBy, size, members }) => `<h3>第 ${number} 届：${epochWords[begunBy].replace('#', String(size))}</h3>
${list(members)}`,
  )
  .join('\n')}`
}

const epochWords: Readonly<Record<EpochFacts['begunBy'], string>> = {
  genesis: '创世届',
  closing: '自第 # 条起，由上一届的记录换届',
  refounding: '自第 # 条起，上一届失去法定数，由治理密钥重建',
}

function english(facts: BundleFacts): string {
  const { founded, block, cosigners, members } = facts
  const last = Math.max(...cosigners.map(({ timeSeconds }) => timeSeconds))
  return `<section lang="en">
<h2>In English</h2>
<p>This bundle shows that the bytes of <code>record/entry.json</code> are entry ${facts.index} of the ledger ${html(founded.name)} with the fingerprint <b>${founded.fingerprint}</b>; that it went in not before ${beijingTime(block.time)} and not after the second ${beijingTimeOfSeconds(last)}; that ${cosigners.length} of ${members.length} members cosigned a checkpoint which holds it (${facts.quorum} are needed), each stating that it holds every entry and checked it against the rules${
    facts.kind === 'record' ? `; and that a key of ${html(facts.party)} signed it` : ''
  }. It does not show that what was submitted is true, nor that no later record amends, replaces, withdraws or ends it: ask the members how it stands today.</p>
<p>Compare the fingerprint with the one that the charter prints. Then open <code>验证.html</code> with the network off and drop the archive on it, or run <code>gongzheng verify</code>; the commands above use nothing of ours. The formats are open: C2SP tlog-proof, tlog-policy, tlog-checkpoint, tlog-cosignature.</p>
</section>`
}

interface Step {
  readonly title: { readonly zh: string }
  readonly unix: string
  readonly windows: string
  readonly expected: string
}

/** What can be checked with the tools of an operating system, in one go each. */
function steps(facts: BundleFacts): readonly Step[] {
  const { original, shown } = facts
  const list: Step[] = [
    {
      title: { zh: '1. 各文件的 SHA-256 与清单一致' },
      unix: 'sha256sum --check --quiet SHA256SUMS && echo OK',
      windows: `Get-Content -Encoding UTF8 SHA256SUMS | ForEach-Object { if ((Get-FileHash -LiteralPath $_.Substring(66)).Hash -ne $_.Substring(0,64)) { $_ } }; 'OK'`,
      expected: 'OK',
    },
  ]
  if (original !== undefined) {
    const path = `original/${original.name}`
    list.push({
      title: { zh: `${list.length + 1}. 原始文件的 SHA-256（与第二节所列哈希比对）` },
      unix: `sha256sum ${unixQuoted(path)} | cut -c 1-64`,
      windows: `(Get-FileHash -LiteralPath ${windowsQuoted(path.replaceAll('/', '\\'))}).Hash.ToLower()`,
      expected: original.sha256,
    })
  }
  list.push(
    {
      title: { zh: `${list.length + 1}. 条目在哈希树中的叶哈希：SHA-256(00 ‖ 条目)` },
      unix: `{ printf '\\000'; cat record/entry.json; } | sha256sum | cut -c 1-64`,
      windows: `$b = [byte[]](,0 + [IO.File]::ReadAllBytes("$PWD\\record\\entry.json")); -join ([Security.Cryptography.SHA256]::Create().ComputeHash($b) | ForEach-Object { $_.ToString('x2') })`,
      expected: facts.leaf,
    },
    {
      title: {
        zh: `${list.length + 2}. 成员 ${html(shown.name)} 的共签（其余成员同理；公钥取自 policy.txt，签名取自 checkpoint.txt）`,
      },
      unix: [
        `{ printf 'cosignature/v1\\ntime ${shown.timeSeconds}\\n'; head -n 3 checkpoint.txt; } > message.tmp`,
        `printf %s '${toBase64(shown.signature)}' | base64 -d > signature.tmp`,
        `printf %s '${toBase64(concat(spkiPrefix, shown.publicKey))}' | base64 -d > key.tmp`,
        'openssl pkeyutl -verify -pubin -keyform DER -inkey key.tmp -rawin -in message.tmp -sigfile signature.tmp',
      ].join('\n'),
      windows: [
        `$m = "cosignature/v1\`ntime ${shown.timeSeconds}\`n" + (((Get-Content -Encoding UTF8 checkpoint.txt)[0..2] -join "\`n") + "\`n")`,
        `[IO.File]::WriteAllText("$PWD\\message.tmp", $m)`,
        `[IO.File]::WriteAllBytes("$PWD\\signature.tmp", [Convert]::FromBase64String('${toBase64(shown.signature)}'))`,
        `[IO.File]::WriteAllBytes("$PWD\\key.tmp", [Convert]::FromBase64String('${toBase64(concat(spkiPrefix, shown.publicKey))}'))`,
        'openssl pkeyutl -verify -pubin -keyform DER -inkey key.tmp -rawin -in message.tmp -sigfile signature.tmp',
      ].join('\n'),
      expected: 'Signature Verified Successfully',
    },
  )
  return list
}

/** SubjectPublicKeyInfo of an Ed25519 key (RFC 8410), up to the 32 bytes of the key. */
const spkiPrefix = fromHex('302a300506032b6570032100')!

const unixQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
const windowsQuoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

function keyWords({ key, block, party }: BundleFacts): string {
  const { standing, name, isNameOwn, registeredAt, vouchers, notBefore, notAfter, endings } = key!
  const whose =
    standing === 'founding'
      ? `该密钥是创世文件所列${name}的中心密钥。`
      : `该密钥属于 ${party}（登记名称：${name}${isNameOwn ? '，由其自报' : ''}），由账本第 ${registeredAt.join('、')} 条登记，${
          standing === 'derived'
            ? '由该主体的另一密钥轮换或授权而来，来源与那一密钥相同'
            : standing === 'unilateral'
              ? `仅由 ${vouchers.join('、')} 一方确认（单方登记）`
              : vouchers.length === 0
                ? '由该主体自己的另一密钥确认'
                : `由 ${vouchers.join('、')} 确认`
        }。`
  const term =
    notBefore === '' && notAfter === '' ? '' : `有效期：${notBefore || '登记之时'} 至 ${notAfter || '未设终止'}。`
  const status =
    endings.length > 0
      ? `此前第 ${endings.join('、')} 条涉及该密钥的撤销或轮换。`
      : `截至 ${beijingTime(block.time)}，包内没有撤销、轮换该密钥或收回确认的记录（是否尚有其他，以账本为准）；失效密钥签署的报文按规则不能入账。`
  return whose + term + status
}

function originalWords({ original, hashes }: BundleFacts): string {
  if (original === undefined) {
    return hashes.length === 0
      ? ''
      : `<li><b>原始文件</b>：记录中写明了文件的哈希（第二节）。文件本身不在账本上，也不在本包内；取得文件后计算其哈希比对即可。</li>`
  }
  const match = hashes.find(({ algorithm, value }) => algorithm === 'sha256' && value === original.sha256)
  const words =
    match === undefined
      ? '记录中的哈希以 SM3 计算（第二节），本页未作比对，须另行计算。'
      : `其 SHA-256 与记录中 ${match.pointer} 的哈希一致，即提交时的那一份文件。`
  return `<li><b>原始文件</b>：<code>original/${html(original.name)}</code>（${original.length} 字节），${html(words)}</li>`
}

function purposeOf(name: string): string {
  const purposes: Readonly<Record<string, string>> = {
    '说明.html': '本页',
    '验证.html': '离线验证页：双击打开，拖入取证包',
    'bundle.json': '取证包的格式、软件版本、账本标识与条目序号',
    SHA256SUMS: '其余各文件的 SHA-256',
    'record/entry.json': '条目的原始字节',
    'record/proof.tlog-proof': '条目的证明：序号、哈希路径、快照与签名',
    'record/statement.json': '报文内容（由条目解码，便于阅读）',
    'checkpoint.txt': '账本快照，带账本签名与成员共签',
    'policy.txt': '验证信任清单：成员公钥与法定数',
    'members/0-genesis.json': '创世条目：成员、密钥、参数；其 SHA-256 即账本标识',
    'members/0-genesis.tlog-proof': '创世条目的证明',
    'block/system-entry.json': '所在区块的首条：高度、任期、届、时间、批次',
    'block/system-entry.tlog-proof': '区块首条的证明',
    'block/batch.json': '条目所在批次：其哈希列于区块首条，证明条目属于这个区块',
    'record/refused-entry.json': '被拒绝的报文条目',
  }
  if (Object.hasOwn(purposes, name)) return purposes[name]!
  if (/^members\/\d+\.cbor$/.test(name)) return '换届证明：该届成员，由上一届签署'
  if (name.startsWith('original/')) return '原始文件'
  if (name.startsWith('keys/')) {
    return name.endsWith('.json') ? '关于签名密钥的记录' : '该记录的证明'
  }
  return '—'
}

function payloadRows(payload: JsonValue): string {
  return leavesOf(payload)
    .map(
      ({ path, value }) =>
        `<tr><th>${html(fieldWords(path))}<br><code>/${html(path.join('/'))}</code></th><td>${html(value)}</td></tr>`,
    )
    .join('\n')
}

/** The values of a payload, each with the names that lead to it; a list or an object with nothing in it is a value, too. */
export function leavesOf(
  value: JsonValue,
  path: readonly string[] = [],
): readonly { readonly path: readonly string[]; readonly value: string }[] {
  if (value === null || typeof value !== 'object') return [{ path, value: withBeijingTime(String(value)) }]
  if (Object.keys(value).length === 0) return [{ path, value: JSON.stringify(value) }]
  return Object.entries(value).flatMap(([name, item]) => {
    const said = name === 'unit' && 'amount' in value ? unitWords.get(item as string) : undefined
    return leavesOf(said ?? (item as JsonValue), [...path, name])
  })
}

/** The digit of the national data specification tells nobody that a sum is ten thousand times what it looks. */
const unitWords = new Map([
  ['0', '0（基本单位，如元 · × 1）'],
  ['1', '1（万，如万元 · × 10,000）'],
])

/** What a field is called, where its name is one that many record types share; else the name itself. */
export const fieldWords = (path: readonly string[]): string =>
  path.map((name) => commonFields.get(name) ?? (/^\d+$/.test(name) ? `第 ${Number(name) + 1} 项` : name)).join(' · ')

const commonFields = new Map(
  Object.entries({
    ledger: '账本标识',
    type: '类型',
    party: '主体',
    key: '提交方编号',
    hash: '哈希',
    algorithm: '算法',
    value: '值',
    source: '来源',
    system: '来源系统',
    operator: '经办',
    method: '生成方式',
    software: '软件',
    occurredAt: '发生时间',
    mediaType: '媒体类型',
    subject: '对象',
    title: '标题',
    tender: '项目',
    owner: '所有者',
    scheme: '编码体系',
    code: '编号',
    section: '标段',
    region: '地区',
    length: '字节数',
    version: '版本',
    name: '名称',
    amount: '金额',
    unit: '单位',
    currency: '币种',
    request: '密钥申请',
    kid: '密钥',
    reason: '原因',
  }),
)

/** Text as text, also where it tries to hide, or to turn the direction of what follows. */
const html = (text: string): string => visible(text).replace(/[&<>"']/g, (character) => entities.get(character)!)

const entities = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
])

const style = `
:root{color-scheme:light}
body{margin:0;background:#f4f5f7;color:#1b2430;font:16px/1.75 "Noto Sans CJK SC","Source Han Sans SC","PingFang SC","Microsoft YaHei","WenQuanYi Zen Hei",sans-serif}
main{max-width:60rem;margin:2rem auto;background:#fff;padding:2.5rem 3rem;border:1px solid #dde1e7;border-radius:6px}
header{border-bottom:3px solid #1f4e79;margin-bottom:1.5rem;padding-bottom:1rem}
.brand{color:#1f4e79;letter-spacing:.1em;margin:0}
h1{margin:.2rem 0 .6rem;font-size:1.9rem}
h2{font-size:1.25rem;color:#1f4e79;border-left:5px solid #1f4e79;padding-left:.6rem;margin-top:2.2rem}
h3{font-size:1rem;margin:1.2rem 0 .3rem}
.lead{font-size:1.1rem;margin:.3rem 0}
.print{display:flex;gap:1rem;align-items:baseline;margin:.8rem 0}
.print dt{color:#5b6673}.print dd{margin:0}
.finger{font:600 1.35rem/1.4 Consolas,"DejaVu Sans Mono",monospace;letter-spacing:.04em}
.note{background:#f1f5fa;border:1px solid #d4e0ee;padding:.6rem .9rem;border-radius:4px}
table{border-collapse:collapse;width:100%;margin:.6rem 0;font-size:.94rem}
th,td{border:1px solid #dde1e7;padding:.4rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#f7f9fb;font-weight:600;min-width:8rem}
code{font-family:Consolas,"DejaVu Sans Mono",monospace;font-size:.9em;overflow-wrap:anywhere}
pre{background:#0f1b2a;color:#e8eef5;padding:.7rem .9rem;border-radius:4px;font:.82rem/1.55 Consolas,"DejaVu Sans Mono",monospace;white-space:pre-wrap;overflow-wrap:anywhere;margin:0}
.twins{display:grid;grid-template-columns:1fr 1fr;gap:.8rem}
.twins p{margin:.2rem 0;color:#5b6673;font-size:.88rem}
li{margin:.45rem 0}
@media (max-width:46rem){main{padding:1.2rem;margin:0}.twins{grid-template-columns:1fr}}
@media print{body{background:#fff;font-size:11pt}main{border:0;margin:0;padding:0;max-width:none}pre{background:#fff;color:#000;border:1px solid #999}.step,table,li{break-inside:avoid}}
`
