import type { CsvRefusal } from '#services/account-csv.ts'
import type { AccountsRefusal } from '#services/accounts.ts'

/** A refusal of the administration as a sentence without a full stop. */
export function refusalOf(error: AccountsRefusal | CsvRefusal): string {
  switch (error.kind) {
    case 'exists':
      return `There is already ${WITH_ARTICLE[error.what]} "${error.name}"`
    case 'no-such':
      return `There is no ${WORDS[error.what]} "${error.name}"`
    case 'in-use':
      return `The domain ${error.name} still has accounts or aliases`
    case 'bad-address':
      return `"${error.text}" is not an address`
    case 'bad-domain':
      return `"${error.text}" is not a domain`
    case 'bad-password':
      return `The password of ${error.address} cannot be used: ${error.problem}`
    case 'bad-hash':
      return `The hash of ${error.address} is of no scheme that Malle can check`
    case 'bad-name':
      return `"${error.text}" cannot be a name`
    case 'no-targets':
      return `The alias ${error.address} has no targets`
    case 'no-such-target':
      return `"${error.target}" leads to nobody here (${error.why})`
    case 'alias-loop':
      return `The alias ${error.address} would lead back to itself`
    case 'store-unavailable':
      return `The directory was changed, but the store cannot follow for ${error.address} now; it does at the next use`
    case 'bad-quoting':
      return `Line ${error.line}: a quoted field does not end, or text stands behind its quote`
    case 'no-address-column':
      return `Line ${error.line}: the heading has no column "address"`
    case 'unknown-column':
      return `Line ${error.line}: there is no column "${error.column}"; these are: ${error.known.join(', ')}`
    case 'twice':
      return `Line ${error.line}: the column "${error.column}" is there twice`
    case 'field-count':
      return `Line ${error.line}: ${error.fields} fields where the heading has ${error.columns}`
    case 'bad-value':
      return `Line ${error.line}: "${error.value}" cannot be a ${error.column}`
  }
}

const WORDS = { domain: 'domain', account: 'account', alias: 'alias', 'app-password': 'app password' } as const
const WITH_ARTICLE = {
  domain: 'a domain',
  account: 'an account',
  alias: 'an alias',
  'app-password': 'an app password',
} as const
