"""What the starter model can name: song subjects, each with its Fluent Emoji and other words."""

from dataclasses import dataclass

SKY, GROUND, WATER, INDOOR = "sky", "ground", "water", "indoor"


@dataclass(frozen=True)
class Subject:
    """One thing to paint."""

    name: str  # the word used in most captions
    code: str  # file stem of its cut-out in Fluent Emoji 3D
    homes: tuple[str, ...]  # kinds of place where it is put
    words: tuple[str, ...]  # other ways to say it
    size: float  # its usual height as a part of the picture's height


def _table() -> list[Subject]:
    homes = {"s": SKY, "g": GROUND, "w": WATER, "i": INDOOR}
    subjects = []
    for line in _ROWS.strip().splitlines():
        name, code, where, size, words = (field.strip() for field in line.split("|"))
        others = tuple(word.strip() for word in words.split(",") if word.strip())
        subjects.append(Subject(name, code, tuple(homes[w] for w in where), others, float(size)))
    return subjects


# name | file | homes: s sky, g ground, w water, i indoor | height | other words
_ROWS = """
star            | 2b50       | s  | .56 | twinkling star, shining star, little star
crescent moon   | 1f319      | s  | .56 | moon, silver moon, half moon
full moon       | 1f31d      | s  | .58 | man in the moon, round moon, smiling moon
sun             | 1f31e      | s  | .58 | smiling sun, sunshine, blazing sun
cloud           | 2601-fe0f  | s  | .52 | white cloud, fluffy cloud
rainbow         | 1f308      | sg | .62 | colourful rainbow
planet          | 1fa90      | s  | .56 | ringed planet, saturn
world           | 1f30d      | s  | .58 | earth, globe, planet earth
rocket          | 1f680      | s  | .62 | spaceship, rocket ship
balloon         | 1f388      | sgi| .60 | red balloon
kite            | 1fa81      | s  | .60 | flying kite
airplane        | 2708-fe0f  | s  | .58 | plane, aeroplane, jet
diamond         | 1f48e      | sgi| .52 | gem, jewel, blue diamond
bell            | 1f514      | sgi| .56 | golden bell, ringing bell
heart           | 2764-fe0f  | sgi| .54 | red heart, love
crown           | 1f451      | gi | .50 | golden crown
clock           | 23f0       | gi | .56 | alarm clock
book            | 1f4d6      | gi | .50 | open book, story book
key             | 1f511      | gi | .52 | golden key
candle          | 1f56f-fe0f | gi | .60 | candlelight
umbrella        | 2602-fe0f  | g  | .62 | purple umbrella
gift            | 1f381      | gi | .56 | present, wrapped gift
ball            | 26bd       | gi | .48 | football, soccer ball
teddy bear      | 1f9f8      | gi | .60 | teddy, toy bear
bed             | 1f6cf-fe0f | i  | .52 | sleeping child in bed, cosy bed
guitar          | 1f3b8      | gi | .62 | electric guitar
violin          | 1f3bb      | gi | .62 | fiddle
drum            | 1f941      | gi | .56 | drums, toy drum
trumpet         | 1f3ba      | gi | .56 | horn, golden trumpet
piano           | 1f3b9      | i  | .52 | keyboard, piano keys
musical note    | 1f3b5      | sgi| .54 | music, note, song
cat             | 1f408      | gi | .60 | kitten, kitty, pussycat
dog             | 1f415      | gi | .60 | puppy, doggie
horse           | 1f40e      | g  | .64 | pony, running horse
cow             | 1f404      | g  | .62 | spotted cow
pig             | 1f416      | g  | .56 | piggy, piglet
sheep           | 1f411      | g  | .58 | lamb, little lamb, white sheep
duck            | 1f986      | gw | .56 | mallard, little duck
chick           | 1f424      | g  | .54 | baby chick, yellow chick
rooster         | 1f413      | g  | .60 | cock, hen
rabbit          | 1f407      | g  | .58 | bunny, hare
mouse           | 1f401      | gi | .52 | little mouse, grey mouse
bear            | 1f43b      | g  | .56 | brown bear
fox             | 1f98a      | g  | .56 | red fox
lion            | 1f981      | g  | .58 | king of the jungle
tiger           | 1f405      | g  | .60 | striped tiger
elephant        | 1f418      | g  | .62 | grey elephant
monkey          | 1f412      | g  | .60 | little monkey, ape
frog            | 1f438      | gw | .52 | green frog, toad
fish            | 1f41f      | w  | .50 | blue fish, little fish
whale           | 1f433      | w  | .58 | blue whale
dolphin         | 1f42c      | w  | .58 | jumping dolphin
turtle          | 1f422      | gw | .50 | tortoise
bird            | 1f426      | sg | .54 | red bird, robin, singing bird
owl             | 1f989      | g  | .58 | wise owl
penguin         | 1f427      | g  | .58 | little penguin
butterfly       | 1f98b      | sg | .56 | orange butterfly
bee             | 1f41d      | sg | .52 | honeybee, bumblebee
ladybug         | 1f41e      | g  | .52 | ladybird, red beetle
snail           | 1f40c      | g  | .50 | slow snail
unicorn         | 1f984      | g  | .60 | white unicorn
dinosaur        | 1f995      | g  | .64 | green dinosaur
bus             | 1f68c      | g  | .58 | yellow bus, school bus
car             | 1f697      | g  | .52 | red car, automobile
train           | 1f682      | g  | .58 | steam train, locomotive, engine
boat            | 26f5       | w  | .62 | sailboat, sailing boat, ship
bicycle         | 1f6b2      | g  | .54 | bike
fire engine     | 1f692      | g  | .54 | fire truck
tractor         | 1f69c      | g  | .56 | green tractor
house           | 1f3e0      | g  | .60 | home, cottage, little house
castle          | 1f3f0      | g  | .66 | palace, king's castle
tent            | 26fa       | g  | .52 | camp, green tent
tree            | 1f333      | g  | .68 | green tree, oak
pine tree       | 1f332      | g  | .68 | fir, evergreen
palm tree       | 1f334      | g  | .66 | palm
christmas tree  | 1f384      | gi | .68 | decorated tree, xmas tree
mountain        | 1f3d4-fe0f | g  | .62 | snowy peak, high mountain
snowman         | 26c4       | g  | .64 | frosty snowman
snowflake       | 2744-fe0f  | s  | .54 | flake of snow, ice crystal
fire            | 1f525      | g  | .58 | flame, campfire
rose            | 1f339      | gi | .62 | red rose
tulip           | 1f337      | gi | .62 | pink tulip, flower
sunflower       | 1f33b      | g  | .64 | yellow flower
mushroom        | 1f344      | g  | .56 | toadstool
cactus          | 1f335      | g  | .62 | green cactus
apple           | 1f34e      | gi | .52 | red apple
banana          | 1f34c      | gi | .54 | yellow banana
strawberry      | 1f353      | gi | .54 | red berry
cake            | 1f382      | gi | .56 | birthday cake
bread           | 1f35e      | i  | .50 | loaf, loaf of bread
boy             | 1f466      | gi | .54 | little boy, child, traveller
girl            | 1f467      | gi | .54 | little girl, daughter
baby            | 1f476      | gi | .54 | little baby, sleepy baby
princess        | 1f478      | gi | .62 | queen
king            | 1f934      | gi | .62 | prince
dancer          | 1f483      | gi | .68 | dancing woman, dancing lady
"""

SUBJECTS = _table()

# What the first training was taught; its hour on two shared cores was too short for more.
TAUGHT = frozenset(
    {
        "star", "crescent moon", "full moon", "sun", "cloud", "rainbow", "world", "rocket",
        "balloon", "diamond", "heart", "bell", "bed", "cat", "cow", "sheep", "duck", "bus", "boat",
        "house", "castle", "tree", "snowman", "sunflower", "girl", "boy",
    }
)  # fmt: skip

# Drawn twice as often in training: what "Twinkle, twinkle, little star" sings about.
OFTEN = frozenset(
    {"star", "crescent moon", "full moon", "sun", "diamond", "world", "boy", "girl", "bed"}
)
