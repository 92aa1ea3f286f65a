/** What special mailboxes are called where the server does not say (RFC 6154 §1): in the languages of common clients. @module */
import { fold } from '#mail/fold.ts'
import type { ListedMailbox, MailboxRole } from './listed-mailbox.ts'

type Named = Exclude<MailboxRole, 'inbox' | 'all' | 'flagged' | 'important'>

/** Names apart by `|`. */
const NAMES: Readonly<Record<Named, readonly string[]>> = {
  sent: [
    'Sent|Sent Items|Sent Messages|Sent Mail|Sent-Mail|Sent Objects|Outbox Sent|Envoyés|Éléments envoyés',
    'Messages envoyés|Courrier envoyé|Objets envoyés|Gesendet|Gesendete Objekte|Gesendete Elemente',
    'Gesendete Nachrichten|Enviados|Elementos enviados|Mensajes enviados|Correo enviado|Itens enviados',
    'Enviadas|Inviati|Inviata|Posta inviata|Elementi inviati|Messaggi inviati|Verzonden|Verzonden items',
    'Verzonden objecten|Verzonden berichten|Skickat|Skickade objekt|Skickade|Sendt|Sendte elementer',
    'Sendt post|Sendte|Lähetetyt|Wysłane|Elementy wysłane|Odeslané|Odeslaná pošta|Odoslané',
    'Elküldött elemek|Elküldött|Отправленные|Надіслані|Απεσταλμένα|Gönderilmiş Öğeler|Gönderilenler',
    'Gönderilmiş Postalar|已发送|已发送邮件|已傳送|寄件備份|送信済み|送信済みメール|送信済みアイテム|보낸편지함|보낸 편지함|المرسل|البريد المرسل|נשלח',
    'דואר יוצא|ส่งแล้ว|Đã gửi|Terkirim',
  ],
  drafts: [
    'Drafts|Draft|Brouillons|Brouillon|Entwürfe|Entwurf|Borradores|Borrador|Rascunhos|Bozze|Concepten',
    'Utkast|Utkorg|Kladder|Kladde|Luonnokset|Szkice|Kopie robocze|Wersje robocze|Koncepty|Rozepsané',
    'Piszkozatok|Черновики|Чернетки|Πρόχειρα|Taslaklar|草稿|草稿箱|下書き|임시보관함|임시 보관함|المسودات|טיוטות|ร่างจดหมาย',
    'Thư nháp|Draf',
  ],
  trash: [
    'Trash|Deleted Items|Deleted Messages|Deleted|Bin|Corbeille|Éléments supprimés|Supprimés',
    'Messages supprimés|Papierkorb|Gelöschte Objekte|Gelöschte Elemente|Gelöscht|Papelera',
    'Elementos eliminados|Eliminados|Mensajes eliminados|Lixo|Lixeira|Itens excluídos|Cestino',
    'Posta eliminata|Elementi eliminati|Prullenbak|Verwijderde items|Papperskorgen|Borttagna objekt',
    'Papirkurv|Slettet post|Slettede elementer|Roskakori|Poistetut|Kosz|Elementy usunięte|Koš',
    'Odstraněná pošta|Kôš|Kuka|Lomtár|Törölt elemek|Корзина|Удаленные|Удалённые|Кошик|Видалені|Κάδος',
    'Διαγραμμένα|Çöp Kutusu|Silinmiş Öğeler|已删除|已删除邮件|垃圾桶|刪除的郵件|ゴミ箱|削除済みアイテム|휴지통|지운 편지함|المهملات|אשפה',
    'Thùng rác',
  ],
  junk: [
    'Junk|Spam|Junk E-mail|Junk Email|Junk Mail|Bulk Mail|Bulk|Indésirables|Courrier indésirable|Pourriel',
    'Pourriels|Unerwünscht|Junk-E-Mail|Spamverdacht|Correo no deseado|No deseado|Lixo Eletrônico',
    'Lixo eletrónico|Posta indesiderata|Indesiderata|Ongewenste e-mail|Ongewenst|Skräppost|Uønsket post',
    'Søppelpost|Søppel-e-post|Roskaposti|Wiadomości-śmieci|Niechciane|Nevyžádaná pošta|Nevyžiadaná pošta',
    'Levélszemét|Спам|Нежелательная почта|Небажана пошта|Ανεπιθύμητα|Gereksiz|İstenmeyen|Önemsiz E-posta',
    '垃圾邮件|垃圾郵件|迷惑メール|스팸|스팸메일함|정크 메일|البريد غير الهام|דואר זבל|Thư rác',
  ],
  archive: [
    'Archive|Archives|Archived|Archiv|Archivé|Archivées|Archivo|Archivados|Arquivo|Arquivados|Archivio',
    'Archivia|Archief|Arkiv|Arkisto|Archiwum|Archív|Archívum|Архив|Архів|Αρχείο|Arşiv|归档|封存|アーカイブ|보관함|보관',
    'الأرشيف|ארכיון|Lưu trữ',
  ],
}

/** Without case, accents, and what stands between words. */
function foldText(name: string): string {
  return fold(name)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[\s_.-]+/gu, ' ')
    .trim()
}

const BY_NAME: ReadonlyMap<string, Named> = new Map(
  (Object.keys(NAMES) as Named[]).flatMap((role) =>
    NAMES[role].flatMap((line) => line.split('|')).map((name) => [foldText(name), role] as const),
  ),
)

/** The role that a mailbox's name speaks of; of its last level. */
function roleByName({ name, delimiter }: Pick<ListedMailbox, 'name' | 'delimiter'>): MailboxRole | undefined {
  const last = delimiter === undefined ? name : (name.split(delimiter).at(-1) ?? name)
  return BY_NAME.get(foldText(last))
}

/** How deep a mailbox is. */
function levels({ name, delimiter }: ListedMailbox): number {
  return delimiter === undefined ? 1 : name.split(delimiter).length
}

/**
 * The mailbox for each role: as the server says, else by its name, the one nearest to the top.
 * @param mailboxes As LIST gave them.
 */
export function specialMailboxes(mailboxes: readonly ListedMailbox[]): ReadonlyMap<MailboxRole, ListedMailbox> {
  const found = new Map<MailboxRole, ListedMailbox>()
  for (const mailbox of mailboxes) {
    if (mailbox.role !== undefined && !mailbox.noSelect && !found.has(mailbox.role)) found.set(mailbox.role, mailbox)
  }
  const guessed = new Map<MailboxRole, ListedMailbox>()
  for (const mailbox of mailboxes) {
    const role = mailbox.noSelect || mailbox.role !== undefined ? undefined : roleByName(mailbox)
    if (role === undefined || found.has(role)) continue
    const other = guessed.get(role)
    if (other === undefined || levels(mailbox) < levels(other)) guessed.set(role, mailbox)
  }
  for (const [role, mailbox] of guessed) found.set(role, mailbox)
  return found
}
