/** The demo's mail: plain, HTML, attachments, forwarded, signed by hand, in several scripts, a bounce, a list. @module */
import { formatDate } from '#mail/dates.ts'

/** One message of the demo. */
export interface DemoMessage {
  readonly to: string
  readonly mailbox: string
  readonly minutesAgo: number
  /** IMAP names. */
  readonly flags?: readonly string[]
  /** For nodemailer's composer … */
  readonly mail?: Record<string, unknown>
  /** … or the bytes themselves. */
  readonly raw?: (at: number) => Buffer
}

const CLAIRE = 'claire@malle.example'
const HUGO = 'hugo@malle.example'
const claire = `Claire Hélène Dupré <${CLAIRE}>`
const hugo = `Hugo Weiß <${HUGO}>`
const HOUR = 60
const DAY = 24 * HOUR

/** A 1 × 1 PNG, to stand for a picture. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

/** A page that any PDF reader opens. */
const PDF = Buffer.from(
  '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n' +
    '3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 120]/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n' +
    '4 0 obj<</Length 44>>stream\nBT /F 18 Tf 20 60 Td (Rechnung 2026-114) Tj ET\nendstream endobj\ntrailer<</Root 1 0 R>>\n',
  'latin1',
)

const FIRST_ID = '<plan-1@malle.example>'

export const DEMO_MESSAGES: readonly DemoMessage[] = [
  {
    to: CLAIRE,
    mailbox: 'INBOX',
    minutesAgo: 12,
    mail: {
      from: 'Malle <postmaster@malle.example>',
      to: claire,
      subject: 'Welcome to Malle',
      text: 'This mailbox is yours to try.\n\nOpen it with any mail program: the card that "npm start" printed names the ports.\nEverything here lives in the data folder of the demo; begin anew with --reset.\n',
    },
  },
  {
    to: CLAIRE,
    mailbox: 'INBOX',
    minutesAgo: 3 * HOUR,
    flags: ['\\Seen', '\\Answered'],
    mail: {
      from: hugo,
      to: claire,
      subject: 'Planning de l’été : où en sommes-nous ?',
      messageId: FIRST_ID,
      text: 'Bonjour Claire,\n\nles dates de juillet sont-elles fixées ? J’ai réservé la salle pour le 14.\n\nHugo\n',
    },
  },
  {
    to: CLAIRE,
    mailbox: 'INBOX',
    minutesAgo: 2 * HOUR,
    flags: ['\\Flagged'],
    mail: {
      from: hugo,
      to: claire,
      subject: 'Re: Planning de l’été : où en sommes-nous ?',
      inReplyTo: FIRST_ID,
      references: FIRST_ID,
      text: 'Parfait, merci !\n\n> Le 14 convient à tout le monde.\n',
      html: '<p>Parfait, <b>merci</b> !</p><blockquote>Le 14 convient à tout le monde.</blockquote>',
    },
  },
  {
    to: CLAIRE,
    mailbox: 'INBOX',
    minutesAgo: DAY,
    mail: {
      from: 'Atelier Lumière <bonjour@atelier-lumiere.example>',
      to: claire,
      subject: '✨ Les nouveautés de la saison',
      headers: {
        'List-Unsubscribe': '<https://atelier-lumiere.example/adieu>',
        'List-Id': 'Nouveautés <news.atelier-lumiere.example>',
      },
      text: 'Les nouveautés de la saison sont arrivées.\n',
      html: '<html><head><style>p{color:#333}</style></head><body><h1>Les nouveautés</h1><p>Elles sont arrivées. <img src="cid:photo" alt="photo"></p><script>alert(1)</script></body></html>',
      attachments: [{ filename: 'photo.png', content: PIXEL, cid: 'photo' }],
    },
  },
  {
    to: CLAIRE,
    mailbox: 'INBOX',
    minutesAgo: 2 * DAY,
    flags: ['\\Seen', '$Forwarded'],
    mail: {
      from: '佐藤 花子 <hanako@example.jp>',
      to: claire,
      subject: '東京からのご挨拶',
      text: 'クレールさん、お元気ですか。\n来月パリでお会いできるのを楽しみにしています。\n\n花子\n',
    },
  },
  {
    to: CLAIRE,
    mailbox: 'INBOX',
    minutesAgo: 2 * DAY + 4 * HOUR,
    mail: {
      from: 'Omar Haddad <omar@example.net>',
      to: claire,
      subject: 'دعوة إلى الاجتماع',
      text: 'مرحبا كلير،\nأدعوك إلى الاجتماع يوم الثلاثاء.\n',
      icalEvent: {
        method: 'REQUEST',
        content:
          'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@example.net\r\nDTSTAMP:20261120T090000Z\r\nDTSTART:20261201T090000Z\r\nDTEND:20261201T100000Z\r\nSUMMARY:Meeting\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n',
      },
    },
  },
  {
    to: CLAIRE,
    mailbox: 'INBOX',
    minutesAgo: 3 * DAY,
    mail: {
      from: hugo,
      to: claire,
      cc: 'team@malle.example',
      subject: 'Fwd: Rechnung 2026-114',
      text: 'Kannst du das bitte prüfen? Die Rechnung hängt an.\n',
      attachments: [
        { filename: 'Rechnung für Dupré.pdf', content: PDF, contentType: 'application/pdf' },
        {
          contentType: 'message/rfc822',
          filename: 'original.eml',
          content:
            'From: buchhaltung@example.de\r\nTo: hugo@malle.example\r\nSubject: Rechnung 2026-114\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nAnbei die Rechnung.\r\n',
        },
      ],
    },
  },
  {
    to: CLAIRE,
    mailbox: 'INBOX',
    minutesAgo: 4 * DAY,
    mail: {
      from: 'Archives <archives@example.org>',
      to: claire,
      subject: 'Scans of the old ledgers (large)',
      text: 'The scans are attached; they are large.\n',
      attachments: [
        {
          filename: 'ledgers.bin',
          content: Buffer.alloc(1_500_000, 'Malle-poste '),
          contentType: 'application/octet-stream',
        },
      ],
    },
  },
  {
    to: CLAIRE,
    mailbox: 'INBOX',
    minutesAgo: 5 * DAY,
    flags: ['\\Seen'],
    raw: (at) =>
      Buffer.from(
        [
          'From: Mail Delivery System <MAILER-DAEMON@mx.example.net>',
          `To: ${CLAIRE}`,
          'Subject: Undelivered Mail Returned to Sender',
          `Date: ${formatDate(at)}`,
          'Message-ID: <bounce-1@mx.example.net>',
          'Auto-Submitted: auto-replied',
          'MIME-Version: 1.0',
          'Content-Type: multipart/report; report-type=delivery-status; boundary="b1"',
          '',
          '--b1',
          'Content-Type: text/plain; charset=us-ascii',
          '',
          'The address <nobody@example.net> does not exist.',
          '',
          '--b1',
          'Content-Type: message/delivery-status',
          '',
          'Reporting-MTA: dns; mx.example.net',
          '',
          'Final-Recipient: rfc822; nobody@example.net',
          'Action: failed',
          'Status: 5.1.1',
          'Diagnostic-Code: smtp; 550 5.1.1 No such user here',
          '',
          '--b1',
          'Content-Type: text/rfc822-headers',
          '',
          `From: ${CLAIRE}`,
          'To: nobody@example.net',
          'Subject: Is this still right?',
          '',
          '--b1--',
          '',
        ].join('\r\n'),
        'latin1',
      ),
  },
  {
    to: CLAIRE,
    mailbox: 'Projets été',
    minutesAgo: 6 * DAY,
    flags: ['\\Seen', '$Label1'],
    mail: {
      from: hugo,
      to: claire,
      subject: 'Budget prévisionnel',
      text: 'Le budget est en pièce jointe.\n',
      attachments: [{ filename: 'budget été.csv', content: 'poste;euros\nsalle;1200\ntraiteur;860\n' }],
    },
  },
  {
    to: CLAIRE,
    mailbox: 'Projets été/Réunions',
    minutesAgo: 7 * DAY,
    flags: ['\\Seen'],
    mail: {
      from: claire,
      to: hugo,
      subject: 'Compte rendu du 16',
      text: 'Présents : tout le monde.\nDécision : on garde le 14 juillet.\n',
    },
  },
  {
    to: CLAIRE,
    mailbox: 'Listes/malle-users',
    minutesAgo: 30 * HOUR,
    mail: {
      from: 'Ines Costa <ines@example.pt>',
      to: 'malle-users@lists.example.org',
      subject: '[malle-users] mbsync and folders with accents',
      headers: {
        'List-Id': '<malle-users.lists.example.org>',
        'List-Post': '<mailto:malle-users@lists.example.org>',
        Precedence: 'list',
      },
      text: 'Does anybody sync a folder called "Entwürfe"? Works for me.\n',
    },
  },
  {
    to: CLAIRE,
    mailbox: 'Sent',
    minutesAgo: 2 * HOUR + 30,
    flags: ['\\Seen'],
    mail: {
      from: claire,
      to: hugo,
      subject: 'Re: Planning de l’été : où en sommes-nous ?',
      inReplyTo: FIRST_ID,
      references: FIRST_ID,
      text: 'Le 14 convient à tout le monde.\n',
    },
  },
  {
    to: CLAIRE,
    mailbox: 'Drafts',
    minutesAgo: 40,
    flags: ['\\Draft', '\\Seen'],
    mail: {
      from: claire,
      to: '佐藤 花子 <hanako@example.jp>',
      subject: 'Re: 東京からのご挨拶',
      text: 'Chère Hanako,\n\n',
    },
  },
  {
    to: CLAIRE,
    mailbox: 'Junk',
    minutesAgo: DAY + 5 * HOUR,
    flags: ['$Junk'],
    mail: {
      from: 'Prince <prince@example.com>',
      to: claire,
      subject: 'U R G E N T',
      html: '<a href="http://example.com/"><font size="7">Click here</font></a>',
    },
  },
  {
    to: HUGO,
    mailbox: 'INBOX',
    minutesAgo: 15,
    mail: {
      from: 'Malle <postmaster@malle.example>',
      to: hugo,
      subject: 'Willkommen bei Malle',
      text: 'Dieses Postfach gehört dir.\n',
    },
  },
  {
    to: HUGO,
    mailbox: 'INBOX',
    minutesAgo: 2 * HOUR + 30,
    mail: {
      from: claire,
      to: hugo,
      subject: 'Re: Planning de l’été : où en sommes-nous ?',
      inReplyTo: FIRST_ID,
      references: FIRST_ID,
      text: 'Le 14 convient à tout le monde.\n',
    },
  },
  {
    to: HUGO,
    mailbox: 'Kunden',
    minutesAgo: 8 * DAY,
    flags: ['\\Seen', '\\Flagged'],
    mail: {
      from: 'Jürgen Groß <juergen@example.de>',
      to: hugo,
      subject: 'Größere Änderungen',
      text: 'Können wir morgen telefonieren?\nGrüße, Jürgen\n',
      textEncoding: 'quoted-printable',
    },
  },
  {
    to: HUGO,
    mailbox: 'Rechnungen 2026',
    minutesAgo: 9 * DAY,
    flags: ['\\Seen'],
    mail: {
      from: 'buchhaltung@example.de',
      to: hugo,
      subject: 'Rechnung 2026-114',
      text: 'Anbei die Rechnung.\n',
      attachments: [{ filename: 'Rechnung.pdf', content: PDF, contentType: 'application/pdf' }],
    },
  },
]
