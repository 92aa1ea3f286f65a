/** Debian's Dovecot, for tests (see `ForeignServer`). @module */
import { existsSync } from 'node:fs'
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import path from 'node:path'
import { PROGRAM_PATH } from '../install.ts'
import { debianUser, installed, why } from './debian.ts'
import { type ForeignOptions, ForeignServer, type Kind, type Place, type Program } from './server.ts'

const PROGRAM = '/usr/sbin/dovecot'
const PACKAGES = ['dovecot-imapd', 'dovecot-pop3d', 'dovecot-lmtpd'] as const

/**
 * Makes sure that it is there.
 * @returns what to give to `skip`.
 * @throws under CI, where a suite that is skipped would pass for one that was run.
 */
export function dovecotLacking(): string | false {
  const there = () => existsSync(PROGRAM) && existsSync('/usr/lib/dovecot/pop3') && existsSync('/usr/lib/dovecot/lmtp')
  return why('Dovecot', installed(there, PACKAGES, '/run/dovecot/master.pid'))
}

/** Starts it with mail in sdbox, the separator `/` and every mechanism that a password allows. */
export function startDovecot(options: ForeignOptions): Promise<ForeignServer> {
  return ForeignServer.start(DOVECOT, options)
}

const DOVECOT: Kind = {
  name: 'dovecot',
  runAs: debianUser('nobody'),

  async prepare(place): Promise<Program> {
    const { folder, runAs, accounts } = place
    const mail = path.join(folder, 'mail')
    await mkdir(mail)
    if (runAs !== undefined) await chown(mail, runAs.uid, runAs.gid)
    // readable for its authentication process, which is neither root nor the owner of mail
    await writeFile(
      path.join(folder, 'users'),
      accounts.map(({ address, password }) => `${address}:{PLAIN}${password}\n`).join(''),
      { mode: 0o644 },
    )
    const config = path.join(folder, 'dovecot.conf')
    await writeFile(config, configuration(place))
    return { command: PROGRAM, args: ['-F', '-c', config], env: { PATH: PROGRAM_PATH, LANG: 'C.UTF-8' }, as: undefined }
  },

  log: ({ folder }) => readFile(path.join(folder, 'log'), 'utf8'),
}

function configuration({ folder, ports, cert, key, runAs, more }: Place): string {
  const own = userInfo()
  // who is not root cannot change users; then all of it runs as who started it
  const users =
    runAs === undefined
      ? `default_internal_user = ${own.username}
default_login_user = ${own.username}
default_internal_group =
service anvil {
  chroot =
}
service imap-login {
  chroot =
}
service pop3-login {
  chroot =
}
`
      : ''
  const { uid, gid } = runAs ?? own
  return `protocols = imap pop3 lmtp
listen = 127.0.0.1
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
ssl = yes
ssl_cert = <${cert}
ssl_key = <${key}
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256
mail_location = sdbox:~/mail
mail_max_userip_connections = 0
mail_plugins = quota acl
protocol imap {
  mail_plugins = $mail_plugins imap_quota imap_acl
  imap_metadata = yes
}
mail_attribute_dict = file:%h/attributes
plugin {
  acl = vfile
  quota = count:User quota
  quota_vsizes = yes
}
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
first_valid_uid = 1
postmaster_address = postmaster@example.org
${users}namespace inbox {
  inbox = yes
  separator = /
  mailbox Drafts {
    special_use = \\Drafts
  }
  mailbox Junk {
    special_use = \\Junk
  }
  mailbox Sent {
    special_use = \\Sent
  }
  mailbox Trash {
    special_use = \\Trash
  }
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${folder}/users
}
userdb {
  driver = static
  args = uid=${uid} gid=${gid} home=${folder}/mail/%u
}
service imap-login {
  inet_listener imap {
    port = ${ports.imap}
  }
  inet_listener imaps {
    port = ${ports.imaps}
    ssl = yes
  }
}
service pop3-login {
  inet_listener pop3 {
    port = ${ports.pop3}
  }
  inet_listener pop3s {
    port = ${ports.pop3s}
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    port = ${ports.lmtp}
  }
}
${more}
`
}
