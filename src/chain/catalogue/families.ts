/** Every family of record types that this software knows. A new family is a file beside this one and a line here. */
import { attestation } from './attest.ts'
import { auctions } from './auction.ts'
import { bids } from './bid.ts'
import { quietBoxes } from './box.ts'
import { credit } from './credit.ts'
import { dataSharing } from './data-sharing.ts'
import { eGuarantees } from './e-guarantee.ts'
import { faultReports } from './fault-report.ts'
import { featureCodeRecords } from './feature-code.ts'
import { financing } from './financing.ts'
import { guaranteePublications } from './guarantee.ts'
import { jointPublications } from './joint-publication.ts'
import { majorProjects } from './major-project.ts'
import { parties } from './party.ts'
import { performances, qualifications } from './qualification.ts'
import { remoteEvaluations } from './remote-evaluation.ts'
import { ruleActivations } from './rules.ts'
import type { Family } from './statement-type.ts'
import { tenders } from './tender.ts'
import { objections } from './tender-objection.ts'

export const families: readonly Family[] = [
  parties,
  ruleActivations,
  qualifications,
  performances,
  attestation,
  bids,
  quietBoxes,
  guaranteePublications,
  eGuarantees,
  financing,
  auctions,
  credit,
  dataSharing,
  featureCodeRecords,
  jointPublications,
  majorProjects,
  remoteEvaluations,
  tenders,
  objections,
  faultReports,
]
