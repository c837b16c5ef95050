// The icons: Lucide, each taken by its name, so that the bundle has these and no others. Always beside a word: they say nothing by themselves.

import Anchor from 'lucide-solid/icons/anchor';
import ArrowLeft from 'lucide-solid/icons/arrow-left';
import ArrowRight from 'lucide-solid/icons/arrow-right';
import BadgeCheck from 'lucide-solid/icons/badge-check';
import Ban from 'lucide-solid/icons/ban';
import Bell from 'lucide-solid/icons/bell';
import Bot from 'lucide-solid/icons/bot';
import Camera from 'lucide-solid/icons/camera';
import Check from 'lucide-solid/icons/check';
import ChevronDown from 'lucide-solid/icons/chevron-down';
import ChevronRight from 'lucide-solid/icons/chevron-right';
import CircleAlert from 'lucide-solid/icons/circle-alert';
import CircleCheck from 'lucide-solid/icons/circle-check';
import Clock from 'lucide-solid/icons/clock';
import Copy from 'lucide-solid/icons/copy';
import CornerDownRight from 'lucide-solid/icons/corner-down-right';
import Cpu from 'lucide-solid/icons/cpu';
import Download from 'lucide-solid/icons/download';
import Ellipsis from 'lucide-solid/icons/ellipsis';
import Eye from 'lucide-solid/icons/eye';
import EyeOff from 'lucide-solid/icons/eye-off';
import Fingerprint from 'lucide-solid/icons/fingerprint-pattern';
import GitBranch from 'lucide-solid/icons/git-branch';
import Globe from 'lucide-solid/icons/globe';
import Hand from 'lucide-solid/icons/hand';
import HeartPulse from 'lucide-solid/icons/heart-pulse';
import House from 'lucide-solid/icons/house';
import Info from 'lucide-solid/icons/info';
import KeyRound from 'lucide-solid/icons/key-round';
import Layers from 'lucide-solid/icons/layers';
import ListChecks from 'lucide-solid/icons/list-checks';
import Lock from 'lucide-solid/icons/lock';
import MonitorSmartphone from 'lucide-solid/icons/monitor-smartphone';
import Pause from 'lucide-solid/icons/pause';
import Pencil from 'lucide-solid/icons/pencil';
import Play from 'lucide-solid/icons/play';
import Plus from 'lucide-solid/icons/plus';
import QrCode from 'lucide-solid/icons/qr-code';
import RefreshCw from 'lucide-solid/icons/refresh-cw';
import Scale from 'lucide-solid/icons/scale';
import ScrollText from 'lucide-solid/icons/scroll-text';
import Search from 'lucide-solid/icons/search';
import Settings from 'lucide-solid/icons/settings';
import Shield from 'lucide-solid/icons/shield';
import Terminal from 'lucide-solid/icons/terminal';
import Timer from 'lucide-solid/icons/timer';
import Trash from 'lucide-solid/icons/trash';
import TriangleAlert from 'lucide-solid/icons/triangle-alert';
import Upload from 'lucide-solid/icons/upload';
import Users from 'lucide-solid/icons/users';
import Vault from 'lucide-solid/icons/vault';
import WifiOff from 'lucide-solid/icons/wifi-off';
import X from 'lucide-solid/icons/x';
import type { JSX } from 'solid-js';
import { Dynamic } from 'solid-js/web';

const icons = {
  anchor: Anchor,
  'arrow-left': ArrowLeft,
  'arrow-right': ArrowRight,
  'badge-check': BadgeCheck,
  ban: Ban,
  bell: Bell,
  bot: Bot,
  camera: Camera,
  check: Check,
  'chevron-down': ChevronDown,
  'chevron-right': ChevronRight,
  'circle-alert': CircleAlert,
  'circle-check': CircleCheck,
  clock: Clock,
  copy: Copy,
  'corner-down-right': CornerDownRight,
  cpu: Cpu,
  download: Download,
  ellipsis: Ellipsis,
  eye: Eye,
  'eye-off': EyeOff,
  fingerprint: Fingerprint,
  'git-branch': GitBranch,
  globe: Globe,
  hand: Hand,
  'heart-pulse': HeartPulse,
  house: House,
  info: Info,
  'key-round': KeyRound,
  layers: Layers,
  'list-checks': ListChecks,
  lock: Lock,
  'monitor-smartphone': MonitorSmartphone,
  pause: Pause,
  pencil: Pencil,
  play: Play,
  plus: Plus,
  'qr-code': QrCode,
  'refresh-cw': RefreshCw,
  scale: Scale,
  'scroll-text': ScrollText,
  search: Search,
  settings: Settings,
  shield: Shield,
  terminal: Terminal,
  timer: Timer,
  trash: Trash,
  'triangle-alert': TriangleAlert,
  upload: Upload,
  users: Users,
  vault: Vault,
  'wifi-off': WifiOff,
  x: X,
} as const;

/** @public */
export type IconName = keyof typeof icons;

/** @public `size`: 16 in text, 20 alone. */
export function Icon(props: { readonly name: IconName; readonly size?: 16 | 20 }): JSX.Element {
  return <Dynamic component={icons[props.name]} size={props.size ?? 16} strokeWidth={1.75} aria-hidden="true" />;
}
