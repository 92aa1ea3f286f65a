import { after, before, suite, test } from 'node:test'
import { lacking } from './install.ts'
import { runWell } from './run.ts'
import { PeerServer } from './server.ts'

suite('settings read by Python', { skip: lacking('python3') }, () => {
  let server: PeerServer
  before(async () => {
    server = await PeerServer.start()
  })
  after(() => server.stop())

  test('its parsers of XML and property lists read what the server says, and imaplib and smtplib log in by it', async () => {
    const { address, password, home } = await server.account()
    const script = `
import imaplib, plistlib, smtplib, ssl, sys, urllib.request
import xml.etree.ElementTree as tree
port, address, password, ca = sys.argv[1:]
tls = ssl.create_default_context(cafile=ca)
def fetch(host, path, body=None):
    asked = urllib.request.Request('http://127.0.0.1:%s%s' % (port, path), data=body, headers={'Host': host})
    return urllib.request.urlopen(asked).read()
config = tree.fromstring(fetch('autoconfig.example.org', '/mail/config-v1.1.xml?emailaddress=' + address))
assert config.find('emailProvider/domain').text == 'example.org'
servers = [{part.tag: part.text for part in one} | one.attrib for one in config.iter() if one.tag.endswith('Server')]
assert [(one['type'], one['socketType']) for one in servers] == [
    ('imap', 'SSL'), ('imap', 'STARTTLS'), ('pop3', 'SSL'), ('pop3', 'STARTTLS'), ('smtp', 'SSL'), ('smtp', 'STARTTLS')], servers
def login(one):
    return one['username'].replace('%EMAILADDRESS%', address)
imap = servers[0]
with imaplib.IMAP4_SSL(imap['hostname'], int(imap['port']), ssl_context=tls) as m:
    assert m.login(login(imap), password)[0] == 'OK'
smtp = servers[4]
with smtplib.SMTP_SSL(smtp['hostname'], int(smtp['port']), context=tls) as s:
    s.login(login(smtp), password)
base = 'http://schemas.microsoft.com/exchange/autodiscover/'
question = tree.Element('{%soutlook/requestschema/2006}Autodiscover' % base)
request = tree.SubElement(question, '{%soutlook/requestschema/2006}Request' % base)
tree.SubElement(request, '{%soutlook/requestschema/2006}EMailAddress' % base).text = address
outlook = base + 'outlook/responseschema/2006a'
tree.SubElement(request, '{%soutlook/requestschema/2006}AcceptableResponseSchema' % base).text = outlook
answer = tree.fromstring(fetch('autodiscover.example.org', '/autodiscover/autodiscover.xml', tree.tostring(question)))
assert answer.tag == '{%sresponseschema/2006}Autodiscover' % base
got = {p.find('{%s}Type' % outlook).text: p.find('{%s}Port' % outlook).text for p in answer.iter('{%s}Protocol' % outlook)}
assert got == {'IMAP': servers[0]['port'], 'POP3': servers[2]['port'], 'SMTP': servers[4]['port']}, got
profile = plistlib.loads(fetch('mail.example.org', '/apple/' + address + '.mobileconfig'))
account = profile['PayloadContent'][0]
assert account['PayloadType'] == 'com.apple.mail.managed' and account['EmailAddress'] == address
assert account['IncomingMailServerPortNumber'] == int(imap['port']) and account['IncomingMailServerUseSSL'] is True
assert fetch('mta-sts.example.org', '/.well-known/mta-sts.txt').splitlines()[0] == b'version: STSv1'
`
    await runWell('python3', ['-c', script, `${server.port('http')}`, address, password, server.ca], { home })
  })
})
