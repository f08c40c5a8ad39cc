/**
 * The words of what can go wrong on the command line itself, by stable code, in both languages; and all catalogues together, so that
 * whatever is thrown anywhere finds its words here. docs/cli.md lists the exit codes.
 */
import { apiTexts } from '../../api/messages.ts'
import { catalogueOf, knownTypeNames } from '../../chain/catalogue/catalogue.ts'
import type { RefusalTexts, RefusalWords } from '../../chain/refusal.ts'
import { verificationTexts } from '../../chain/verification-error.ts'
import { configurationRefusals } from '../configuration.ts'
import { diskRefusals } from '../disk-failure.ts'
import { identityRefusals } from '../identity-refusals.ts'
import { networkRefusals } from '../network-code.ts'
import { witnessRefusals } from '../witness.ts'

const words = (title: string, cause: string, remedy: string): RefusalWords => ({ title, cause, remedy })

const commandTexts = {
  'usage.wrong': {
    zh: words('命令写法不对', '命令、选项或参数不被认识，或缺少必需的部分。', '请加 --help 查看该命令的写法。'),
    en: words(
      'The command is not written right',
      'A command, option or argument is not known, or a required one is missing.',
      'Add --help to see how it is written.',
    ),
  },
  'file.missing': {
    zh: words('找不到文件', '该路径下没有文件。', '请检查路径。'),
    en: words('File not found', 'There is no file at this path.', 'Check the path.'),
  },
  'file.unreadable': {
    zh: words('无法读取文件', '操作系统拒绝读取。', '请检查文件的属主与权限。'),
    en: words('File cannot be read', 'The operating system refused to read it.', 'Check its owner and permissions.'),
  },
  'file.too-large': {
    zh: words('文件过大', '文件超过该命令所读的上限（4 MiB；导入 64 MiB）。', '请检查是否选错了文件；要导入的请拆分。'),
    en: words(
      'File too large',
      'It has more than this command reads (4 MiB; 64 MiB to import).',
      'Check the path; split what is to be imported.',
    ),
  },
  'bundle.not-a-record': {
    zh: words(
      '不能为它出具取证包',
      '所指的是创世条目或区块条目，不是记录，也不是拒绝记录。',
      '请给出一条记录的编号或报文标识。',
    ),
    en: words(
      'There is no court bundle of it',
      'It is the genesis or a block’s own entry, and neither a record nor a refusal.',
      'Give the index or the statement id of a record.',
    ),
  },
  'bundle.hash-differs': {
    zh: words(
      '不是这条记录所指的文件',
      '所给文件的哈希不在记录之中。',
      '请核对文件是否为提交时的那一份；可用 gongzheng check 查询它在哪条记录。',
    ),
    en: words(
      'Not the file that the record names',
      'The hash of the file is not in the record.',
      'See that it is the file as it was submitted; gongzheng check says which record names it.',
    ),
  },
  'file.not-utf8': {
    zh: words('文件不是 UTF-8', '文件编码不是 UTF-8。', '请以 UTF-8 重新保存。'),
    en: words('File is not UTF-8', 'The file is not encoded in UTF-8.', 'Save it as UTF-8.'),
  },
  'file.exists': {
    zh: words('文件已存在', '绝不悄悄覆盖已有文件。', '请换一个路径，或先移走旧文件。'),
    en: words(
      'File exists already',
      'An existing file is not overwritten silently.',
      'Choose another path or move it away.',
    ),
  },
  'file.unwritable': {
    zh: words('无法写入文件', '目录不存在、不可写，或磁盘已满。', '请检查目录、权限与磁盘空间。'),
    en: words(
      'File cannot be written',
      'The directory is missing or not writable, or the disk is full.',
      'Check the directory, its permissions and the free space.',
    ),
  },
  'file.wrong-kind': {
    zh: words(
      '不是所需的文件',
      '文件不是章程草案、成员名片、创世文件或签名文件之一，或内容被改动。',
      '请向交来该文件的成员重新索取，并原样保存。',
    ),
    en: words(
      'Not a file of a founding',
      'It is no charter draft, member card, genesis or signature file, or it was changed.',
      'Ask whoever sent it for the file again and keep it byte for byte.',
    ),
  },
  'founding.other': {
    zh: words(
      '文件属于另一次创立',
      '名片与章程草案的名称或创世标识不同。',
      '请确认各成员使用的是同一份章程草案，并据此重新运行 gongzheng init。',
    ),
    en: words(
      'A file of another founding',
      'A card and the charter draft differ in name or founding id.',
      'See that all members use the same charter draft, and run gongzheng init with it.',
    ),
  },
  'founding.incomplete': {
    zh: words(
      '缺少文件',
      '生成创世文件需要一份章程草案和全部成员的名片；收集签名需要已有的创世文件。',
      '请把所需文件一并列在命令后面，或用 --home 指明已有 genesis.json 的目录。',
    ),
    en: words(
      'Files are missing',
      'A genesis takes one charter draft and the cards of all members; signatures take a genesis that is there.',
      'List all files after the command, or name with --home a directory that has the genesis.json.',
    ),
  },
  'founding.card-twice': {
    zh: words(
      '同一成员有两份不同的名片',
      '两份名片的成员标识相同而内容不同。',
      '请向该成员确认哪一份有效，只保留那一份。',
    ),
    en: words(
      'Two different cards of one member',
      'Two cards have the same member id and differ.',
      'Ask that member which one counts, and leave the other out.',
    ),
  },
  'founding.genesis-differs': {
    zh: words(
      '创世文件不一致',
      '目录中已有一份不同的创世文件。',
      '请核对指纹；确需重来时先移走旧的 genesis.json 与 genesis.signatures.json。',
    ),
    en: words(
      'The genesis differs',
      'The directory already has another genesis.',
      'Compare the fingerprints; to begin again, move genesis.json and genesis.signatures.json away first.',
    ),
  },
  'founding.not-a-governance-key': {
    zh: words(
      '该密钥不是任何成员的治理密钥',
      '创世文件中没有成员以此密钥为治理密钥。',
      '请检查密钥文件，并核对创世文件中本成员的名片内容。',
    ),
    en: words(
      'The governance key of no member',
      'No member of the genesis has this governance key.',
      'Check the key file, and whether the genesis has this member’s card as it was sent.',
    ),
  },
  'founding.not-my-card': {
    zh: words(
      '创世文件中本成员的内容与名片不同',
      '创世文件所列的本成员密钥、名称、地区或地址与主目录中的名片不一致。',
      '切勿签名；请与收集者核对名片，查明何处被改动。',
    ),
    en: words(
      'The genesis does not have this member’s card',
      'Keys, name, region or addresses of this member differ from the card in the home.',
      'Do not sign; compare the card with whoever collected it and find where it was changed.',
    ),
  },
  'founding.fingerprint-differs': {
    zh: words('指纹不符', '所给指纹不是这份创世文件的指纹。', '切勿签名；请与其他成员当面或电话核对指纹。'),
    en: words(
      'The fingerprint differs',
      'The fingerprint given is not that of this genesis.',
      'Do not sign; compare fingerprints with the other members in person or by telephone.',
    ),
  },
  'founding.not-confirmed': {
    zh: words(
      '未经确认，没有签名',
      '签署前须有人核对指纹。',
      '请用 --fingerprint 给出与其他成员核对过的指纹，或在终端中运行。',
    ),
    en: words(
      'Not confirmed, so not signed',
      'Somebody has to compare the fingerprint before this is signed.',
      'Give the fingerprint you compared with the other members as --fingerprint, or run this in a terminal.',
    ),
  },
  'key.file-unknown': {
    zh: words(
      '不是可用的密钥文件',
      '文件既不是 gongzheng keygen 生成的 JWK，也不是节点主目录中的密钥文件。',
      '请检查路径；新密钥用 gongzheng keygen 生成。',
    ),
    en: words(
      'Not a key file',
      'It is neither a JWK as gongzheng keygen writes it nor a key file of a node’s home.',
      'Check the path; make a new key with gongzheng keygen.',
    ),
  },
  'key.no-party': {
    zh: words(
      '不知道密钥属于哪个主体',
      '密钥文件没有写明主体，命令中也没有 --party。',
      '请加 --party，例如 --party uscc:914403001922038216。',
    ),
    en: words(
      'Whose key is it?',
      'The key file names no party and no --party is given.',
      'Add --party, as in --party uscc:914403001922038216.',
    ),
  },
  'key.none-given': {
    zh: words('没有指明签名密钥', '提交明文数据须先签名。', '请用 --key 指明密钥文件，或用 --home 以本中心密钥签名。'),
    en: words(
      'No key to sign with',
      'Plain fields have to be signed before they are submitted.',
      'Name a key file with --key, or sign with the centre key of a --home.',
    ),
  },
  'audit.other-ledger': {
    zh: words(
      '不是所要审计的账本',
      '所给的指纹、创世文件或审计目录所记的账本，与来源提供的账本不同。',
      '请核对章程所印的指纹；审计另一个账本时请换一个 --state 目录。',
    ),
    en: words(
      'Not the ledger to be audited',
      'The fingerprint or genesis given, or the one pinned in the state directory, is of another ledger than what the sources serve.',
      'Compare with the fingerprint in the charter; for another ledger use another --state directory.',
    ),
  },
  'audit.state-in-use': {
    zh: words(
      '另一次审计正在使用该目录',
      '同一审计目录一次只供一次审计使用，例如定时任务的上一次审计尚未结束。',
      '请等待该次审计结束后重试，或换用另一个 --state 目录。',
    ),
    en: words(
      'Another audit is using this state directory',
      'One audit at a time uses a state directory; the last one out of cron, say, has not ended.',
      'Wait for it to end and try again, or use another --state directory.',
    ),
  },
  'audit.state-damaged': {
    zh: words(
      '审计目录无法使用',
      '审计目录中的文件被改动、损坏、属于另一个版本，或无法读写。',
      '请移走该目录后重新审计；其中的矛盾签名文件各自独立有效，请先保存。',
    ),
    en: words(
      'The state directory cannot be used',
      'A file of it was changed or damaged, is of another version, or cannot be read or written.',
      'Move the directory away and audit anew; fault proofs in it stand by themselves, so keep them.',
    ),
  },
  'audit.state-not-written': {
    zh: words(
      '审计目录无法写入',
      '操作系统在写入审计目录时报告错误，详见说明：多为磁盘已满。',
      '请腾出空间，然后用同一 --state 目录重新运行；已经核对的部分不会丢失。',
    ),
    en: words(
      'The state directory cannot be written',
      'The operating system reports an error as the audit writes, given in the detail: mostly a full disk.',
      'Make room and run it again with the same --state directory; what was audited is not lost.',
    ),
  },
  'audit.genesis-differs': {
    zh: words('创世文件不同', '该来源的创世文件不是所审计账本的创世文件。', '请向其他成员取得创世文件并核对指纹。'),
    en: words(
      'Another genesis',
      'The genesis that this source serves is not that of the ledger that is audited.',
      'Get the genesis from another member and compare the fingerprint.',
    ),
  },
  'audit.policy-differs': {
    zh: words('信任清单不同', '该来源的信任清单与创世文件所列成员不符。', '不要使用这份清单；请向其他成员取得。'),
    en: words(
      'Another policy',
      'The policy that this source serves is not what the genesis amounts to.',
      'Do not use it; get the policy from another member.',
    ),
  },
  'audit.checkpoint-bad': {
    zh: words(
      '账本快照不成立',
      '该来源的快照格式有误、签名无效、共签不足，或与区块不符。',
      '请保存该快照并向其他成员核对。',
    ),
    en: words(
      'The checkpoint is not good',
      'It is malformed, wrongly signed, cosigned by too few, or not what the blocks lead to.',
      'Keep it and compare with other members.',
    ),
  },
  'audit.block-invalid': {
    zh: words(
      '区块不成立',
      '区块的写法、签名、证明、次序或执行结果有误。',
      '请保存该区块；其他来源可以证明正确的区块。',
    ),
    en: words(
      'A block is not valid',
      'Its form, a signature, a certificate, its place or what it leads to is wrong.',
      'Keep it; other sources show the right one.',
    ),
  },
  'audit.block-differs': {
    zh: words(
      '区块不同',
      '该来源提供的区块与法定数成员共签的账本中同一高度的区块不同。',
      '请保存该区块；封装它的成员若因此自相矛盾，另有矛盾签名文件。',
    ),
    en: words(
      'A block differs',
      'It is not the block that stands at its height in the ledger that a quorum cosigned.',
      'Keep it; where whoever sealed it contradicts itself by it, there is a fault proof.',
    ),
  },
  'audit.tile-differs': {
    zh: words('分片不同', '该来源的哈希分片与由区块算出的不同。', '该来源提供的证明不可信；请向其他成员核对。'),
    en: words(
      'A tile differs',
      'A tile of this source is not what was computed from the blocks.',
      'Proofs from this source are not to be trusted; ask another member.',
    ),
  },
  'audit.entry-differs': {
    zh: words('条目不同', '该来源提供的条目与由区块算出的不同：条目被改写。', '请向其他成员取得该条目。'),
    en: words(
      'An entry differs',
      'An entry of this source is not what was computed from the blocks: it was rewritten.',
      'Get the entry from another member.',
    ),
  },
  'audit.missing': {
    zh: words('缺少内容', '该来源的快照声称有此内容，却答称没有。', '该来源的账本被截断或损坏；请向其他成员取得。'),
    en: words(
      'Something is missing',
      'The checkpoint of this source says that it is there, and the source says that it is not.',
      'Its ledger was cut off or damaged; get it from another member.',
    ),
  },
  'audit.wrong-answer': {
    zh: words('应答不可能', '该来源的应答比该内容可能有的还长。', '该来源不可信；请向其他成员核对。'),
    en: words(
      'An answer that cannot be',
      'It is longer than anything of its kind can be.',
      'This source is not to be trusted; ask another member.',
    ),
  },
  'audit.rolled-back': {
    zh: words(
      '账本变短',
      '该来源的快照比上次审计时小：账本被退回，或节点刚从故障中恢复。',
      '请稍后再次审计；若仍如此，请向该成员查询。',
    ),
    en: words(
      'The ledger became shorter',
      'The checkpoint is smaller than at the last audit: it was rolled back, or its node has just come back from a crash.',
      'Audit again later; if it stays so, ask the member.',
    ),
  },
  'audit.forked': {
    zh: words('账本分叉', '同一账本有两段互相矛盾的历史；签署双方的密钥如下。', '请保存矛盾签名文件并交各成员。'),
    en: words(
      'The ledger was forked',
      'There are two contradictory histories of this ledger; the keys that signed both are named.',
      'Keep the fault proofs and hand them to the members.',
    ),
  },
  'audit.back-dated': {
    zh: words(
      '共签时间早于区块',
      '成员的共签时间早于其所共签的区块：时钟有误，或倒签时间。此项不构成矛盾签名。',
      '请向该成员查询其时钟。',
    ),
    en: words(
      'Cosigned before it was made',
      'The time of a cosignature is before that of the block it is over: a wrong clock, or back-dated. It is no fault proof.',
      'Ask the member about its clock.',
    ),
  },
  'audit.no-answer': {
    zh: words('未能查完', '该来源没有应答、应答过慢，或其内容无法查到底。', '请稍后再次审计，已查部分不会重复。'),
    en: words(
      'Could not be finished',
      'The source did not answer, or too slowly, or could not be followed to its end.',
      'Audit again later: with --state, what was checked is not checked again.',
    ),
  },
  'export.incomplete': {
    zh: words(
      '未能全部导出',
      '来源没有给出其中一部分，或给出的不合格式。',
      '请再次导出，或改由其他成员导出；目录中没有 checkpoint 文件，即为未完成。',
    ),
    en: words(
      'Not all was exported',
      'The source did not give a part of it, or not in the form it should have.',
      'Export again, or from another member; a directory without the file checkpoint is not finished.',
    ),
  },
  'import.not-empty': {
    zh: words(
      '节点已有数据',
      '主目录的 data 目录不是空的；导入只为从未运行过的节点准备。',
      '无须导入：启动节点，它会向其他成员补齐。请勿删除曾签过名的节点的数据。',
    ),
    en: words(
      'The node has data already',
      'The folder data of the home is not empty; an import is for a node that has never run.',
      'Nothing needs to be imported: start the node, and it catches up from the others. Never delete the data of a node that has signed.',
    ),
  },
  'import.cannot-place': {
    zh: words(
      '数据无法放到 data 目录的位置',
      '导入的数据先在旁边备好，核验完毕后整体换上；而 data 是一个文件、失效的链接或单独挂载的文件系统，或不可写。',
      '请移走 data；若数据应放在另一块磁盘上，请把 data 做成指向该磁盘上某个空目录的链接，然后重新导入。主目录中原有的内容未作任何改动。',
    ),
    en: words(
      'The data cannot take the place of the folder data',
      'They are made beside it and take its place as a whole, once all is checked; but data is a file, a link that leads nowhere or a file system of its own, or cannot be written.',
      'Move data away; if the data are to lie on another disk, make data a link to an empty folder on that disk. Then import again; nothing that was in the home was changed.',
    ),
  },
  'import.not-written': {
    zh: words(
      '数据无法写入',
      '操作系统在写入时报告错误，详见说明：多为磁盘已满或没有权限。',
      '请腾出空间（所需约为导出目录的大小）或更正权限，然后重新导入；主目录中原有的内容未作任何改动。',
    ),
    en: words(
      'The data could not be written',
      'The operating system reports an error, given in the detail: mostly a full disk, or a lack of permission.',
      'Make room (about as much as the export takes) or correct the permissions, and import again; nothing that was in the home was changed.',
    ),
  },
  'import.other-ledger': {
    zh: words(
      '导出的是另一个账本',
      '导出目录中的创世条目与主目录的 genesis.json 不同。',
      '请核对账本指纹，换用本账本的导出。',
    ),
    en: words(
      'The export is of another ledger',
      'The genesis in the export is not the genesis.json of the home.',
      'Compare the fingerprints, and take an export of this ledger.',
    ),
  },
  'import.incomplete': {
    zh: words(
      '导出不完整',
      '导出目录缺少 checkpoint、创世条目或其间的区块，或无法读取。',
      '请重新导出（gongzheng export ledger），或改用其他成员的导出；节点目录未作任何改动。',
    ),
    en: words(
      'The export is not whole',
      'Its checkpoint, its genesis or a block up to there is missing, or cannot be read.',
      'Export again (gongzheng export ledger), or from another member; nothing was changed in the home.',
    ),
  },
  'import.refused': {
    zh: words(
      '导出不可信',
      '导出中的某个区块、签名或共签不成立，或不接在前一区块之后。',
      '不要使用这份导出；可用 gongzheng audit 指出被改动的文件。节点目录未作任何改动。',
    ),
    en: words(
      'The export does not stand up',
      'A block in it, a signature or a cosignature is not good, or a block does not follow the one before.',
      'Do not use it; gongzheng audit names the file that was changed. Nothing was changed in the home.',
    ),
  },
  'bid-file.not-in-close': {
    zh: words(
      '不在所询成员的封标中',
      '所询成员尚未封标，或其封标没有此叶。',
      '请以 --url 询问出具回执的成员；封标之后、开标之前可凭回执主张（gongzheng bid claim）。',
    ),
    en: words(
      'In no close that was asked',
      'The members asked have not closed, or closed without this leaf.',
      'Ask the member that gave the receipt (--url); between the close and the opening, claim by it (gongzheng bid claim).',
    ),
  },
  'receipt.other-ledger': {
    zh: words(
      '回执属于另一个账本',
      '所给创世文件、指纹或节点的账本，与回执所写的账本不同。',
      '请核对章程所印的指纹，并询问该账本的成员。',
    ),
    en: words(
      'A receipt of another ledger',
      'The genesis or fingerprint given, or the nodes that were asked, are of another ledger than the receipt names.',
      'Compare with the fingerprint in the charter, and ask members of that ledger.',
    ),
  },
  'fault.other-ledger': {
    zh: words(
      '矛盾签名属于另一个账本',
      '所给创世文件或信任清单的账本，与文件中签名所属的账本不同。',
      '请用该账本自己的创世文件或信任清单核对。',
    ),
    en: words(
      'A fault proof of another ledger',
      'The signatures in the file are of another ledger than the genesis or policy given.',
      'Check it with the genesis or policy of the ledger that it names.',
    ),
  },
  'connection.no-answer': {
    zh: words(
      '没有应答',
      '该网址没有节点应答。',
      '请检查 --url（或 GONGZHENG_URL）以及节点是否在运行；重复提交同一报文是安全的。',
    ),
    en: words(
      'No answer',
      'No node answers at this URL.',
      'Check --url (or GONGZHENG_URL) and whether the node runs; submitting the same statement again is safe.',
    ),
  },
  'record.pending': {
    zh: words(
      '已接收，尚未共证',
      '节点已出具回执，报文会入账；到目前为止共签尚未达到法定数。',
      '稍后用 gongzheng get 查询；gongzheng status 说明还缺什么。',
    ),
    en: words(
      'Received, not attested yet',
      'The node gave a receipt and the statement goes in; so far too few members have cosigned.',
      'Ask later with gongzheng get; gongzheng status says what is missing.',
    ),
  },
  'start.fatal': {
    zh: words(
      '节点无法继续，已停止',
      '节点遇到无法自行确认后果的故障（例如写盘失败）。',
      '请查看日志与磁盘；修复后重新启动，节点会自行检查并恢复。',
    ),
    en: words(
      'The node could not go on and stopped',
      'Something failed whose outcome the node cannot know, such as a write to disk.',
      'Look at the log and the disk, then start again: the node checks and repairs itself.',
    ),
  },
  'devnet.port-in-use': {
    zh: words(
      '端口已被占用',
      '试验网所需的端口已有程序在用。',
      '请停止该程序（也许是另一个试验网），或用 --port 换一组端口。',
    ),
    en: words(
      'A port is in use',
      'Another program has a port that the devnet needs.',
      'Stop it (another devnet, perhaps), or choose other ports with --port.',
    ),
  },
  'devnet.node-failed': {
    zh: words('有节点未能启动', '一个节点在就绪之前退出。', '请查看所列日志。'),
    en: words('A node did not start', 'One of the nodes ended before it was ready.', 'See the log that is named.'),
  },
  'devnet.not-ready': {
    zh: words(
      '试验网未能就绪',
      '节点都已启动，但在时限内没有选出牵头节点或没有共证。',
      '请查看各节点日志；机器繁忙时可再试一次。',
    ),
    en: words(
      'The devnet did not become ready',
      'All nodes run, but elected no leader or attested nothing in time.',
      'See the nodes’ logs; on a busy machine, try again.',
    ),
  },
  'devnet.other': {
    zh: words(
      '目录中已有别的内容',
      '该目录不是试验网，或节点数与第一次不同。',
      '请用 --dir 换一个目录，或删除该目录后重来。',
    ),
    en: words(
      'The directory holds something else',
      'It is no devnet, or one with another number of nodes.',
      'Choose another directory with --dir, or delete this one and begin again.',
    ),
  },
  'replay.empty': {
    zh: words('没有可重放的数据', '该节点还没有写过数据。', '请检查 --home。'),
    en: words('Nothing to replay', 'This node has never written any data.', 'Check --home.'),
  },
  'replay.block-damaged': {
    zh: words(
      '区块缺失或已损坏',
      '水位以内的区块读不出来，或哈希、前后连接、封装签名不符。',
      '节点启动时会从其他成员重新获取；请先检查磁盘。',
    ),
    en: words(
      'A block is missing or damaged',
      'A block at or below the watermark cannot be read, or its hash, link or seal is wrong.',
      'The node fetches it from other members when it starts; check the disk first.',
    ),
  },
  'replay.invalid': {
    zh: words(
      '区块不合规则',
      '重新执行得到的结果与区块所写不同，或签名无效。',
      '请保存数据目录与日志，并与其他成员核对同一高度的区块。',
    ),
    en: words(
      'A block breaks the rules',
      'Executing it again gives something else than it says, or a signature is wrong.',
      'Keep the data directory and the log, and compare the block of this height with other members.',
    ),
  },
  'replay.differs': {
    zh: words(
      '保存的状态与重放结果不同',
      '由区块推得的状态、索引或哈希树与磁盘上的不一致。',
      '区块本身完好；节点下次启动时会由区块重建状态。请检查磁盘。',
    ),
    en: words(
      'The stored state is not what the blocks lead to',
      'State, indexes or tree on the disk differ from what executing the blocks gives.',
      'The blocks are whole; the node rebuilds the rest when it starts. Check the disk.',
    ),
  },
  'import.unreadable': {
    zh: words(
      '无法读懂要导入的文件',
      '文件既不是 JSON（数组、对象或每行一个），也不是带表头的 CSV。',
      '请按所指的行修正；字段含义见 docs/importing.zh.md。',
    ),
    en: words(
      'The file to import cannot be read',
      'It is neither JSON (an array, an object, or one a line) nor CSV with a head row.',
      'Correct the line that is named; docs/importing.md says what a file may hold.',
    ),
  },
  'import.empty': {
    zh: words('没有可导入的内容', '文件中没有任何一项。', '请检查是否选错了文件。'),
    en: words('Nothing to import', 'The file holds no item.', 'Check the path.'),
  },
  'internal.command': {
    zh: words('程序出错', '这是本程序的错误，不是您的操作造成的。', '请把下面的说明与所用命令告知维护者。'),
    en: words(
      'The program failed',
      'This is a fault of the program and not of what you did.',
      'Please report the detail below together with the command.',
    ),
  },
} as const satisfies RefusalTexts

let everything: RefusalTexts | undefined

/** Every code that a command can meet. Built when first asked: only a failure needs it. */
export function everyText(): RefusalTexts {
  const all: RefusalTexts = everything ?? {
    ...apiTexts,
    ...diskRefusals,
    ...identityRefusals,
    ...networkRefusals,
    ...verificationTexts,
    ...configurationRefusals,
    ...witnessRefusals,
    ...catalogueOf(knownTypeNames).refusals,
    ...commandTexts,
  }
  everything = all
  return all
}
