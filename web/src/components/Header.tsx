import { href, type Place } from "../router";
import { access, config } from "../state/app";
import { route } from "../state/route";
import { signOut } from "../state/session";
import { shownTheme, toggleTheme } from "../state/theme";
import { LinkState } from "./Connection";
import { openFind } from "./Find";
import { EyeIcon, LeaveIcon, MoonIcon, SearchIcon, SunIcon } from "./icons";

/** Where the page is, where else it can go, and how it is connected. */
export function Header() {
	const known = config.value;
	const { place } = route.value;
	return (
		<header class="top">
			<nav class="crumbs" aria-label="Where you are">
				<a
					class="home"
					href={href({ screen: "global" })}
					aria-label="Argus: overview of all fleets"
					title={known ? `Argus fleet ${known.version}` : "Argus fleet"}
				>
					<EyeIcon />
					<span>Argus</span>
				</a>
				{(access.value !== "refused" || place.screen === "setup") && <Crumbs place={place} />}
			</nav>
			<div class="tools">
				{access.value === "granted" && <LinkState />}
				{known?.analytics_enabled && (
					<a href={href({ screen: "analytics" })} aria-current={place.screen === "analytics" ? "page" : undefined}>
						Analytics
					</a>
				)}
				<a href={href({ screen: "setup" })} aria-current={place.screen === "setup" ? "page" : undefined}>
					Set up
				</a>
				{access.value === "granted" && (
					<button type="button" class="tool" onClick={openFind} aria-label="Find a cluster" title="Find a cluster (/)">
						<SearchIcon />
					</button>
				)}
				<ThemeToggle />
				{known?.auth_required && (
					<button type="button" class="tool" onClick={() => void signOut()} aria-label="Sign out" title="Sign out">
						<LeaveIcon />
					</button>
				)}
			</div>
		</header>
	);
}

function ThemeToggle() {
	const dark = shownTheme() === "dark";
	return (
		<button
			type="button"
			class="tool"
			onClick={toggleTheme}
			aria-label={dark ? "Light theme" : "Dark theme"}
			title={`${dark ? "Light" : "Dark"} theme (t)`}
		>
			{dark ? <SunIcon /> : <MoonIcon />}
		</button>
	);
}

function Crumbs({ place }: { place: Place }) {
	const trail = trailOf(place);
	return (
		<ol>
			{trail.map(({ text, to }, i) => (
				<li key={text}>{i === trail.length - 1 ? <span aria-current="page">{text}</span> : <a href={href(to)}>{text}</a>}</li>
			))}
		</ol>
	);
}

function trailOf(place: Place): { text: string; to: Place }[] {
	const trail: { text: string; to: Place }[] = [{ text: "Global", to: { screen: "global" } }];
	if (place.screen === "setup") return [{ text: "Set up", to: place }];
	if (place.screen === "analytics") return [...trail, { text: "Analytics", to: place }];
	if (!("fleet" in place)) return trail;
	trail.push({ text: place.fleet, to: { screen: "fleet", fleet: place.fleet } });
	if (place.screen === "fleet") return trail;
	trail.push({ text: `#${place.number}`, to: { screen: "cluster", fleet: place.fleet, number: place.number } });
	if (place.screen === "shard") trail.push({ text: `shard ${place.shard}`, to: place });
	return trail;
}
