/** A choice of a few, of which one is chosen. */
export function Segments<T extends string>(props: {
	label: string;
	value: T;
	options: readonly { value: T; label: string }[];
	choose: (value: T) => void;
}) {
	const { label, value, options, choose } = props;
	return (
		<fieldset class="segments">
			<legend class="unseen">{label}</legend>
			{options.map((option) => (
				<button type="button" key={option.value} aria-pressed={option.value === value} onClick={() => choose(option.value)}>
					{option.label}
				</button>
			))}
		</fieldset>
	);
}
