/**
 * Personal data stay off the ledger (个人信息保护法; domain.md section 6): nothing can be deleted from it. Fields that ask for them by name are
 * refused with a code that says why, and so is text that holds what is plainly an identity card's or a mobile telephone's number. People appear
 * as salted hashes (`person:…`), whose salt is kept elsewhere and can be destroyed.
 */
import type { RefusalTexts } from '../refusal.ts'

export const personalDataRefusals: RefusalTexts = {
  'personal-data.refused': {
    zh: {
      title: '个人信息不得上链',
      cause: '报文含有个人信息字段（证件号、电话、住址等），或文本中有身份证号、手机号；账本上的内容不能删除。',
      remedy: '请去掉该字段；自然人用 person:<加盐哈希>，盐值由贵方在链下保存，销毁盐值即去除关联。',
    },
    en: {
      title: 'Personal data stay off the ledger',
      cause:
        'A field asks for personal data (identity number, telephone, address, …), or a text holds the number of an identity card or a mobile telephone. Nothing can be deleted from the ledger.',
      remedy:
        'Leave the field out. A natural person is person:<salted hash>; you keep the salt off the ledger, and destroying it removes the link.',
    },
  },
}

/** Compared without case, underscores and dashes. */
const fieldNames = new Set([
  'idnumber', 'idno', 'idcard', 'idcardno', 'identitynumber', 'identitycard', 'certno', 'certificateno', 'passport', 'passportno',
  'phone', 'phoneno', 'phonenumber', 'mobile', 'mobileno', 'tel', 'telephone', 'cellphone', 'email', 'mail', 'wechat', 'qq',
  'address', 'homeaddress', 'birthday', 'birthdate', 'dateofbirth', 'gender', 'sex', 'ethnicity',
  'bankaccount', 'accountno', 'accountnumber', 'fingerprint', 'face', 'faceimage', 'photo', 'biometrics', 'iris', 'voiceprint',
  'personname', 'fullname', 'realname', 'contactname', 'contactperson', 'expertname', 'expertnames', 'legalperson', 'macaddress',
  '姓名', '身份证', '身份证号', '身份证号码', '证件号', '证件号码', '电话', '手机', '手机号', '联系电话', '联系人', '邮箱', '住址', '地址',
  '银行账号', '账号', '专家姓名', '性别', '出生日期', '指纹', '人脸', '照片',
]) // biome-ignore format: a table

/** Whether a field of this name can only be meant for personal data. */
export function asksForPersonalData(fieldName: string): boolean {
  return fieldNames.has(fieldName.toLowerCase().replaceAll(/[_-]/g, ''))
}

/** Weights of the first 17 digits of a resident identity number (GB 11643), and the check characters by remainder. */
const identityWeights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const identityChecks = '10X98765432'

/**
 * Whether a text holds, standing alone, a valid resident identity number or a mobile telephone number. Longer runs of digits are codes; one
 * that only looks like an identity number has the wrong check character ten times out of eleven.
 */
export function holdsPersonalNumber(text: string): boolean {
  for (const match of text.matchAll(/[0-9]+[Xx]?/g)) {
    const [run] = match
    const before = text[match.index - 1]
    if (before !== undefined && /[A-Za-z]/.test(before)) continue
    if (/^1[3-9][0-9]{9}$/.test(run) || isIdentityNumber(run)) return true
  }
  return false
}

function isIdentityNumber(run: string): boolean {
  if (!/^[1-9][0-9]{16}[0-9Xx]$/.test(run)) return false
  const [year, month, day] = [run.slice(6, 10), run.slice(10, 12), run.slice(12, 14)].map(Number) as [
    number,
    number,
    number,
  ]
  if (year < 1900 || year > 2100 || month < 1 || month > 12 || day < 1 || day > 31) return false
  const sum = identityWeights.reduce((total, weight, at) => total + weight * Number(run[at]), 0)
  return identityChecks[sum % 11] === run[17]!.toUpperCase()
}
