/**
 * E-guarantees (电子保函) with their whole life: from the application to release, payment or expiry. This file is the family; its states are
 * in `e-guarantee-life.ts`, its steps in `e-guarantee-application.ts`, `-issue.ts`, `-amend.ts`, `-use.ts` and `-claim.ts`, what a look-up reads in
 * `-query.ts`. `guarantee.submit@1` beside it publishes a guarantee once and knows no life.
 */
import { amendTypes } from './e-guarantee-amend.ts'
import { applicationTypes } from './e-guarantee-application.ts'
import { claimTypes } from './e-guarantee-claim.ts'
import { issueTypes } from './e-guarantee-issue.ts'
import { applicationLife, guaranteeLife, useLife } from './e-guarantee-life.ts'
import { numberFindings, numberRefusals } from './e-guarantee-numbers.ts'
import { useTypes } from './e-guarantee-use.ts'
import { sharedRefusals } from './e-guarantee-words.ts'
import type { Family } from './statement-type.ts'

export const eGuarantees: Family = {
  name: 'guarantee',
  title: { zh: '电子保函', en: 'E-guarantees' },
  purpose: {
    zh: '《招标投标法实施条例》第二十六、三十五、五十七、七十四条；全国公共资源交易数据规范 523。一份电子保函从申请、核准、开立、绑定标段，到开标时公开、索赔、受理、赔付、解除或按时钟到期的全过程：一个投标人在一个标段只有一份有效绑定，一份文件只在一个编号之下，各项索赔合计不超过保函金额，降低担保须受益人同意。开标前一切保密，开标后补记发生时间；开标前的真伪核验只对持有全文与盐值者作答。资金划转与保函文件本身不在账本上。',
    en: 'Implementing Regulations of the Tendering and Bidding Law arts. 26, 35, 57, 74; national data specification, data set 523. An e-guarantee from application, approval, issue and binding to being revealed at the opening, claimed, accepted, paid, released, or expired by clock: one bidder has one live binding in a section, one document stands under one number, claims together never exceed what is guaranteed, and security is lowered only with the beneficiary’s consent. All of it is secret until the opening and told afterwards with the times at which it happened; before, only who holds the document and its salt learns whether it is genuine. Money and the document itself stay off the ledger.',
  },
  types: [...applicationTypes, ...issueTypes, ...amendTypes, ...useTypes, ...claimTypes],
  lifecycles: [applicationLife, guaranteeLife, useLife],
  refusals: { ...sharedRefusals, ...numberRefusals },
  findings: numberFindings,
}
