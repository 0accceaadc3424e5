"""What a text is about, beyond its own words: a small thesaurus of what players tell NPCs.

"What do I do for a living?" and "I carve spoons, I'm a carpenter by trade" share no word. Both
are about *work*, and so they meet. The words are English; in another language a text has only its
own words, and the beginnings of long ones (recall.py). Pure tables, looked up by stem.
"""

from __future__ import annotations

import re

from ..relevance import is_function_word, stem, words

_TABLE = """
name: name called nickname surname alias
origin: home hometown homeland native birthplace born birth grew grow raised childhood village town
    city country region hail descend ancestor youth upbringing
work: work job trade living craft profession occupation career earn wage apprentice guild employ
    employer carpenter mason smith blacksmith tinsmith baker butcher tailor weaver cobbler tanner
    miller brewer farmer shepherd fisher fisherman sailor soldier guard knight mercenary hunter
    trapper healer doctor physician nurse midwife priest monk nun scribe clerk scholar teacher
    student merchant trader peddler innkeeper cook servant maid miner potter painter musician singer
    bard poet actor dancer thief smuggler pirate captain navigator cartographer mapmaker printer
    bookbinder clockmaker watchmaker glassblower jeweller goldsmith gravedigger beekeeper courier
    messenger lawyer judge engineer mechanic pilot gardener roofer thatcher
sibling: brother sister sibling twin
parent: mother father parent mum mom dad stepmother stepfather
child: son daughter child kid baby toddler boy girl lad lass youngest eldest
spouse: wife husband spouse married marry marriage wedding wed betrothed engaged bride widow widower
    sweetheart lover
family: family kin relative brother sister sibling twin mother father parent mum mom dad son
    daughter child boy girl youngest eldest uncle aunt cousin nephew niece grandmother grandfather
    grandparent granny wife husband orphan
animal: animal pet beast creature dog hound puppy cat kitten horse mare pony donkey mule goose duck
    hen chicken goat sheep lamb cow ox pig bird raven crow owl hawk falcon parrot snake lizard frog
    rat mouse rabbit hare fox wolf bear ferret bee spider
food: food eat ate meal dish bread soup stew pie cake cheese meat fish fruit apple pear plum berry
    mushroom onion garlic honey egg nut taste cook breakfast dinner supper lunch hungry hunger feast
    porridge sweet spice vegetable turnip cabbage pudding sausage menu plate trout perch salmon
    herring eel oyster crab bacon ham beef mutton venison dumpling pancake biscuit tart cream butter
    potato bean pea leek carrot chestnut barley rice noodle
drink: drink drank ale beer wine mead cider tea coffee milk brandy whisky rum spirits thirsty
weapon: weapon sword dagger knife bow arrow axe spear shield blade mace crossbow pistol rifle armour
    armor
jewel: jewel jewellery jewelry ring necklace amulet locket pendant brooch bracelet gem heirloom
    treasure trinket charm medallion keepsake
money: money coin gold silver pay paid owe debt borrow lend lent loan price cost purse rich poor
    penny pence shilling crown fee
fear: fear afraid scared scare frighten frightened frightening terrify terrified terror dread
    nightmare phobia horror panic uneasy nervous shake tremble shiver shudder sweat crawl
like: like love adore enjoy enjoyable fond favourite favorite prefer delight pleasure hobby pastime
    happy
dislike: hate dislike detest loathe despise disgust disgusting annoy annoying
health: ill illness sick sickness fever disease allergic allergy wound injury injured hurt pain ache
    ailment scar blind deaf lame limp cough heal cure medicine poison swell rash unwell condition
body: leg arm knee foot ankle hand finger shoulder eye ear tooth head neck hip scar limp injury
death: die died death dead kill buried grave funeral drown drowned murder slain perish
war: war battle army soldier fight fought siege regiment company enlist veteran militia pike
    cavalry campaign squire
crime: crime criminal steal stole stolen theft thief rob murder guilty prison jail gaol betray
    smuggle smuggler bounty outlaw wanted desert deserter
secret: secret confess confession hide hid hidden truth admit nobody
magic: magic spell witch wizard curse cursed enchant ghost haunt
faith: god goddess deity saint temple church chapel pray prayer priest faith bless shrine worship
    religion religious believe
music: music song sing sang singer instrument melody tune play lute fiddle violin viol viola cello
    flute whistle pipe harp lyre drum horn trumpet organ piano guitar accordion concertina hurdy
writing: book read reading write wrote written letter story poem library scroll journal diary
clothing: hat cloak coat boot shoe dress shirt glove scarf cap wear wore clothes
colour: colour color red blue green yellow white black purple orange grey brown pink crimson violet
sea: sea ocean ship boat sail sailor harbour harbor port swim swam drown wave coast shore island
    sailing
water: water river lake pond well swim swam drown flood
height: height high cliff ladder climb tower roof edge bridge
dark: dark darkness night shadow candle
travel: travel journey road voyage arrive ride rode pilgrimage route destination head headed bound
    reach
friend: friend friendship companion ally comrade trust loyal
enemy: enemy rival foe quarrel feud grudge revenge avenge score settle betray hate burn
age: age old young birthday year
promise: promise swear swore sworn vow oath pledge bargain deal agree agreed agreement favour favor
    owe return bring brought
plan: want plan hope dream goal aim seek search find purpose intend quest wish ambition
gift: gift give gave given present inherit inheritance
house: house cottage farm roof rent lodging
sleep: sleep slept bed awake insomnia snore dream nightmare
skill: skill able learn learnt learned taught teach train training talent
debt: owe debt borrow borrowed lend lent loan repay
"""

_IRREGULAR = {
    "grew": "grow", "grown": "grow", "swore": "swear", "sworn": "swear", "told": "tell",
    "gave": "give", "given": "give", "brought": "bring", "kept": "keep", "wrote": "write",
    "written": "write", "stole": "steal", "stolen": "steal", "taught": "teach", "drank": "drink",
    "drunk": "drink", "fought": "fight", "hid": "hide", "hidden": "hide", "saw": "see",
    "seen": "see", "won": "win", "met": "meet", "fell": "fall", "fallen": "fall", "bit": "bite",
    "bitten": "bite", "paid": "pay", "lent": "lend", "left": "leave", "came": "come",
    "ran": "run", "rode": "ride", "ridden": "ride", "sang": "sing", "sung": "sing", "swam": "swim",
    "wore": "wear", "worn": "wear", "chose": "choose", "chosen": "choose", "caught": "catch",
    "built": "build", "burnt": "burn", "drew": "draw", "drawn": "draw", "felt": "feel",
    "flew": "fly", "forgot": "forget", "forgotten": "forget", "led": "lead", "learnt": "learn",
    "spoke": "speak", "spoken": "speak", "spent": "spend", "took": "take", "taken": "take",
    "threw": "throw", "thrown": "throw", "woke": "wake", "held": "hold", "heard": "hear",
    "died": "die", "dying": "die", "wives": "wife", "knives": "knife", "wolves": "wolf",
    "mice": "mouse", "geese": "goose", "men": "man", "women": "woman",
}  # fmt: skip


def root(word: str) -> str:
    """A casefolded word's stem, English irregular forms and "siblings" (an -s after an -ing)
    included."""
    return stem(stem(_IRREGULAR.get(word, word)))


_COMMON = frozenset(
    """
    i'd i'll i've you'd you'll you've you're we'll we've they're he's she's there's here's let's
    didn't doesn't won't can't couldn't wouldn't isn't wasn't should shall may might must let
    another other others more most less least much many few some any every each all both one two
    well still also even ever never always again already almost really quite rather too only then
    here now since while after before until back down over under through away around thing things
    something anything nothing everything someone anyone nobody everybody say says said saying
    mention mentioned tell told speak spoke talk remember recall remind forget please thanks thank
    hello yes yeah aye hm ah oh sure right way lot bit kind sort
    """.split()  # noqa: SIM905
)


def content_roots(text: str) -> frozenset[str]:
    """The roots of the words of a text that tell something by themselves."""
    return frozenset(
        root(word) for word in words(text) if word not in _COMMON and not is_function_word(word)
    )


def _topics() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for entry in re.sub(r"\n\s+", " ", _TABLE.strip()).splitlines():
        topic, _, members = entry.partition(":")
        for member in {root(word) for word in members.split()}:
            found.setdefault(member, []).append(topic)
    return {member: tuple(topics) for member, topics in found.items()}


_BY_ROOT = _topics()
_BEGINNING = 6
_BY_BEGINNING = {
    member[:_BEGINNING]: found for member, found in _BY_ROOT.items() if len(member) >= _BEGINNING
}
"""Long words that begin alike are forms of one: "thatching" is about what a thatcher does."""


def meeting_words(line: str, said: str) -> tuple[str, ...]:
    """The words of a line that what was said has too, in any form, or that are about the same."""
    roots = content_roots(said)
    about = topics(roots)
    return tuple(
        word
        for word in words(line)
        if (own := content_roots(word)) and (own & roots or topics(own) & about)
    )


def topics(roots: frozenset[str]) -> frozenset[str]:
    """What words, given as their roots, are about; empty where the thesaurus has none of them."""
    found: set[str] = set()
    for word in roots:
        found.update(_BY_ROOT.get(word) or _BY_BEGINNING.get(word[:_BEGINNING], ()))
    return frozenset(found)
