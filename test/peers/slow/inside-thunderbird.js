// Runs inside Thunderbird, as the body of a function of Marionette; not a module. Everything here is what its own
// windows do: its folders, its message databases, its compose window.
const { classes: Cc, interfaces: Ci } = Components
const { MailServices } = ChromeUtils.importESModule('resource:///modules/MailServices.sys.mjs')
const { setTimeout } = ChromeUtils.importESModule('resource://gre/modules/Timer.sys.mjs')

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function until(what, check, tries = 600) {
  for (let count = 0; count < tries; count += 1) {
    const found = check()
    if (found) return found
    await sleep(50)
  }
  throw new Error(`Waited in vain for ${what}`)
}

const mainWindow = () => Services.wm.getMostRecentWindow('mail:3pane')
const account = () => MailServices.accounts.defaultAccount
const server = () => account().incomingServer

function folderOf(name) {
  const found = server().rootFolder.descendants.find((folder) => pathOf(folder) === name)
  if (found === undefined) throw new Error(`No folder ${name}`)
  return found
}

/** Names as people see them, from the top. */
function pathOf(folder) {
  return folder.parent === server().rootFolder ? folder.name : `${pathOf(folder.parent)}/${folder.name}`
}

const messageOf = (folder, id) => {
  const found = [...folder.messages].find(({ messageId }) => messageId === id)
  if (found === undefined) throw new Error(`No message ${id}`)
  return found
}

const pane = () => mainWindow().gTabmail.currentAbout3Pane
const everyFolder = () => server().rootFolder.descendants
const headersOf = (folder) => [...folder.messages].sort((a, b) => a.messageKey - b.messageKey)

/** Bits of nsMsgFolderFlags. */
const USES = { trash: 0x100, sent: 0x200, drafts: 0x400, inbox: 0x1000, archive: 0x4000, junk: 0x40000000 }

// oxlint-disable-next-line no-unused-vars -- what is called stands behind this file
const inside = {
  /** Waits for its window. */
  async ready() {
    await until('the window', () => mainWindow()?.document.readyState === 'complete' && mainWindow().gTabmail)
    return Services.appinfo.version
  },

  async trust(base64) {
    Cc['@mozilla.org/security/x509certdb;1'].getService(Ci.nsIX509CertDB).addCertFromBase64(base64, 'C,,')
  },

  /**
   * What its assistant does with an address and a password, when of the servers that it finds at the provider those of
   * this kind are chosen. Gives where it found them, and what they are.
   */
  async setUp(address, password, name, type, socketType) {
    const load = (file) => ChromeUtils.importESModule(`resource:///modules/accountcreation/${file}.sys.mjs`)
    const { signal } = new (mainWindow().AbortController)()
    const config = await load('FetchConfig').FetchConfig.fromISP(address.split('@')[1], address, signal)
    const chosen = (first, others) =>
      [first, ...others].find((one) => one.socketType === socketType && (one.type === type || one.type === 'smtp'))
    config.incoming = chosen(config.incoming, config.incomingAlternatives)
    config.outgoing = chosen(config.outgoing, config.outgoingAlternatives)
    load('AccountConfig').AccountConfig.replaceVariables(config, name, address, password)
    // It connects when the test says so, and never looks again: what arrives comes by IDLE.
    config.incoming.loginAtStartup = false
    config.incoming.checkInterval = 1_000
    config.rememberPassword = true
    const made = await load('CreateInBackend').CreateInBackend.createAccountInBackend(config)
    made.incomingServer.doBiff = false
    made.defaultIdentity.composeHtml = false
    made.defaultIdentity.replyOnTop = 0
    const found = ({ hostname, port, username, auth }) => ({ hostname, port, username, auth })
    return { from: config.subSource, incoming: found(config.incoming), outgoing: found(config.outgoing) }
  },

  /** Folders as people see them, once those named are there. */
  async folders(names) {
    await until(`the folders ${names}`, () => names.every((name) => everyFolder().some((one) => pathOf(one) === name)))
    return everyFolder().map((folder) => ({
      path: pathOf(folder),
      uses: Object.keys(USES).filter((use) => folder.getFlag(USES[use])),
    }))
  },

  /** Opens a folder as a click on it does, waits until it has so many messages. */
  async open(name, count) {
    const folder = folderOf(name)
    pane().displayFolder(folder.URI)
    await until(`${count} messages in ${name}`, () => headersOf(folder).length === count)
  },

  /** What the list of messages shows, in the order of their UIDs. */
  headers(name) {
    return headersOf(folderOf(name)).map((header) => ({
      uid: header.messageKey,
      id: header.messageId,
      subject: header.mime2DecodedSubject,
      author: header.mime2DecodedAuthor,
      seconds: header.dateInSeconds,
      size: header.messageSize,
      read: header.isRead,
      flagged: header.isFlagged,
    }))
  },

  /** Octets of a message as it came from the server, in base64. */
  async source(name, id) {
    const folder = folderOf(name)
    const uri = folder.getUriForMsg(messageOf(folder, id))
    let octets = ''
    await new Promise((resolve, reject) => {
      const listener = {
        QueryInterface: ChromeUtils.generateQI(['nsIStreamListener', 'nsIRequestObserver']),
        onStartRequest() {},
        onDataAvailable(_request, stream, _offset, count) {
          const input = Cc['@mozilla.org/binaryinputstream;1'].createInstance(Ci.nsIBinaryInputStream)
          input.setInputStream(stream)
          octets += input.readBytes(count)
        },
        onStopRequest(_request, status) {
          if (Components.isSuccessCode(status)) resolve()
          else reject(new Error(`The message ended with ${status.toString(16)}`))
        },
      }
      MailServices.messageServiceFromURI(uri).streamMessage(uri, listener, null, null, false, '', false)
    })
    return mainWindow().btoa(octets)
  },

  /** Shows a message as a click on it does; gives the text that can be read in the window. */
  async show(name, id) {
    const folder = folderOf(name)
    const header = messageOf(folder, id)
    pane().displayFolder(folder.URI)
    await until('the list of messages', () => pane().gDBView?.findIndexOfMsgHdr(header, false) < 2 ** 31)
    pane().threadTree.selectedIndex = pane().gDBView.findIndexOfMsgHdr(header, true)
    return until('the text of the message', () => {
      const shown = pane().messagePane.messageBrowser?.contentWindow
      return shown?.gMessage === header && shown.getMessagePaneBrowser().contentDocument?.body?.textContent.trim()
    })
  },

  /** Answers a message through the compose window, which sends it and keeps a copy. */
  async reply(name, id, text) {
    const folder = folderOf(name)
    const header = messageOf(folder, id)
    MailServices.compose.OpenComposeWindow(
      null,
      header,
      folder.getUriForMsg(header),
      Ci.nsIMsgCompType.ReplyToSender,
      Ci.nsIMsgCompFormat.PlainText,
      account().defaultIdentity,
      null,
      mainWindow().msgWindow,
    )
    const composing = () => Services.wm.getMostRecentWindow('msgcompose')
    await until(
      'the window of the reply',
      () => composing()?.gMsgCompose?.editor && composing().gWindowLocked === false,
    )
    const window = composing()
    await until('the quotation', () => window.gMsgCompose.editor.rootElement.textContent.includes('wrote:'))
    await sleep(500)
    window.gMsgCompose.editor.QueryInterface(Ci.nsIEditor).endOfDocument?.()
    window.gMsgCompose.editor.insertText(text)
    window.goDoCommand('cmd_sendNow')
    await until('the reply to be sent', () => composing() === null)
  },

  markRead(name, ids) {
    const folder = folderOf(name)
    folder.markMessagesRead(
      ids.map((id) => messageOf(folder, id)),
      true,
    )
  },

  star(name, ids) {
    const folder = folderOf(name)
    folder.markMessagesFlagged(
      ids.map((id) => messageOf(folder, id)),
      true,
    )
  },

  /** Into the trash, as the key does. */
  remove(name, ids) {
    const folder = folderOf(name)
    folder.deleteMessages(
      ids.map((id) => messageOf(folder, id)),
      mainWindow().msgWindow,
      false,
      false,
      null,
      false,
    )
  },

  /** Waits for a message that the server tells of by itself. */
  async arrival(name, id) {
    await until(`the message ${id}`, () => headersOf(folderOf(name)).some(({ messageId }) => messageId === id))
  },

  /** Asks for new mail, as the button does; for POP3. */
  async getMessages(count) {
    const inbox = server().rootFolder.getFolderWithFlags(USES.inbox)
    MailServices.pop3.GetNewMail(mainWindow().msgWindow, null, inbox, server())
    await until(`${count} messages`, () => headersOf(inbox).length === count)
  },
}
