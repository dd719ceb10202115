import type { ComponentChildren } from "preact";

/** Icons are decoration: the control that holds one has a name of its own. */
function Icon({ children }: { children: ComponentChildren }) {
	return (
		<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
			{children}
		</svg>
	);
}

export const EyeIcon = () => (
	<svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
		<path d="M3.500 16c3.300-5.700 7.500-8.600 12.500-8.600s9.200 2.900 12.500 8.600c-3.300 5.700-7.500 8.600-12.500 8.600S6.800 21.700 3.500 16z" />
		<circle cx="16" cy="16" r="4.600" />
	</svg>
);

export const SearchIcon = () => (
	<Icon>
		<circle cx="11" cy="11" r="6.500" />
		<path d="m16 16 5 5" />
	</Icon>
);

export const SunIcon = () => (
	<Icon>
		<circle cx="12" cy="12" r="4" />
		<path d="M12 2v3M12 19v3M2 12h3M19 12h3M4.900 4.900 7 7M17 17l2.100 2.100M4.900 19.100 7 17M17 7l2.100-2.100" />
	</Icon>
);

export const MoonIcon = () => (
	<Icon>
		<path d="M20 14.500A8.500 8.500 0 1 1 9.500 4a7 7 0 0 0 10.500 10.500z" />
	</Icon>
);

export const LeaveIcon = () => (
	<Icon>
		<path d="M14 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h8M10 12h11M17 8l4 4-4 4" />
	</Icon>
);
