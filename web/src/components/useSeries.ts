import { useEffect, useState } from "preact/hooks";
import { epoch } from "../state/app";
import { extended, latestOf, readSeries, type Series, type Subject } from "../state/history";

/**
 * The last hour of a subject, extended as time goes by. It is undefined until it has been read, and when it cannot be it
 * begins with what comes from now on.
 */
export function useSeries(fleet?: string, number?: number): Series | undefined {
	const [read, setRead] = useState<{ key: string; series: Series } | undefined>();
	const key = [epoch.value, fleet ?? "", number ?? ""].join("\n");
	useEffect(() => {
		let wanted = true;
		void readSeries(subjectOf(fleet, number))
			.catch((): Series => ({ times: [], points: [] }))
			.then((series) => wanted && setRead({ key, series }));
		return () => {
			wanted = false;
		};
	}, [fleet, number, key]);

	const { at, metrics } = latestOf(subjectOf(fleet, number));
	const series = read?.key === key ? read.series : undefined;
	useEffect(() => {
		if (!series) return;
		const longer = extended(series, at, metrics);
		if (longer !== series) setRead({ key, series: longer });
	}, [series, at, metrics, key]);
	return series;
}

function subjectOf(fleet?: string, number?: number): Subject {
	return { ...(fleet !== undefined && { fleet }), ...(number !== undefined && { number }) };
}
