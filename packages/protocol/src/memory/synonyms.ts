// Words that people use for one another, spec/memory-search.md: developers' words and everyday ones. A query's word finds the others of its
// group for less. Groups are short and plain on purpose: a word of many meanings stands in none, or costs every query that has it.

import { termsOfChunk } from './terms.ts';

const groups = `
auth authentication authorization login signin credentials
admin administrator root superuser sudo
privilege permission access role rights
password passphrase secret credential
token key apikey credential
encrypt cipher crypto encryption
mfa 2fa totp otp
user account customer client member
person people human somebody someone
employee staff colleague worker coworker
manager boss lead head chief
team group squad
owner responsible maintainer steward
company business firm organisation organization
partner vendor supplier
database db postgres sql storage store
store save persist keep write
table relation schema
record row entry
query sql select
cache memoize
index lookup search
search find lookup
queue topic broker kafka
event message record
job task worker cron schedule
schedule orchestrator cron
workflow pipeline dag
deploy release ship rollout publish
rollback revert undo
release version
upgrade update bump migrate
dependency package library
framework library
environment env stage
production prod live
staging preprod
server host machine node
cluster kubernetes k8s
container pod docker
infrastructure platform ops terraform
cloud aws gcp
dns domain hostname
certificate tls ssl cert
firewall egress allowlist
proxy gateway ingress
load traffic
config configuration settings options
flag toggle switch
monitor observability metrics
alert alarm page notification
log logging logs
incident outage downtime failure
outage down unavailable
crash panic exception abort
bug defect fault issue problem
error exception failure
broken fail wrong
fix repair solve patch resolve
workaround fallback
slow sluggish latency performance
fast quick speed
latency delay lag
startup start boot launch
memory ram oom
cpu processor core
disk storage volume
limit quota throttle cap ceiling maximum
minimum least
retry repeat again
duplicate twice double
delete remove erase drop destroy
remove revoke
forbidden refuse deny reject disallow
allow permit may
restore recover recovery
backup dump snapshot
archive retention keep
replica copy mirror
lock lease mutex
concurrent parallel simultaneous
timeout deadline expire
expire end expiry
frontend ui client browser web
backend server api
screen page view
button control
dialog modal popup
style css stylesheet
image picture photo photograph
mobile phone cellular smartphone
app application
laptop computer local
desktop computer
offline internet
download upload transfer
file document
folder directory
path file
attachment file
email mail message
notification alert push
webhook callback
endpoint api route
request call
response reply answer
format encoding
parse parser read
validate check verify
test spec
flaky flake unstable
mock stub fake
lint style format
review approve approval
merge conflict
commit change
branch fork
repository repo
build compile
script command cli
tool tooling
license licence
doc documentation docs
translate translation localise localisation i18n locale
language locale
accessibility a11y
accessible keyboard
privacy gdpr personal
anonymise hash mask
analytics telemetry tracking statistics
consent cookie
metric measure kpi
dashboard chart report
model prediction forecast
predict estimate eta
train retrain
data dataset
warehouse bigquery redshift snowflake
transform etl
ingest import load
export dump
payment pay billing charge bill
invoice bill
price fare cost fee
cost expense money expensive
cheap save
refund chargeback money
discount voucher coupon code
cart basket
checkout purchase buy order
subscription plan
shop store
tax vat
fraud risk
booking reservation reserve ticket
trip voyage journey travel crossing sailing
passenger traveller traveler
ship boat vessel ferry yacht
car vehicle
bike bicycle
timezone zone utc
holiday vacation leave
meeting appointment call
freeze stop
oncall pager
decide choose pick decision choice
reject decline drop
replace swap switch substitute
buy purchase
use employ adopt
begin start
finish complete end
show display
hide conceal
send deliver
receive get
try attempt
learn study
teach train
talk speak discuss chat
say tell mention
ask question
help support assist
hate dislike
happy glad
sad upset
afraid scared worried
angry mad
child kid son daughter children
parent mother father mom dad mum
family relative
brother sister sibling
wife husband spouse married
friend buddy
partner girlfriend boyfriend
house home apartment flat
town city
country nation
job work career profession
school university college
teacher professor
doctor physician
ill sick disease
health medical
exercise workout gym
food meal dish
eat dinner lunch
cook recipe bake
drink beverage
movie film
book novel
song music
painting art
pet dog cat
garden plant
birthday anniversary
gift present
party celebration
picture photo
visit trip
hobby pastime
game play
win award prize
big large huge
small little tiny
old ancient
new recent
many lots several
near close
far distant
important critical
dangerous risky
`;

const others = new Map<string, ReadonlySet<string>>();
for (const group of groups.trim().split('\n')) {
  const terms = new Set(group.split(' ').flatMap((word) => termsOfChunk(word).slice(0, 1)));
  for (const term of terms) others.set(term, new Set([...(others.get(term) ?? []), ...terms].filter((other) => other !== term)));
}

/** [RECALL-22] Terms that are used for this one. */
export function synonymsOf(term: string): ReadonlySet<string> {
  return others.get(term) ?? none;
}

const none: ReadonlySet<string> = new Set();
