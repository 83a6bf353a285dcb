// The charts of every board. A chart is there only if its data are; it is drawn anew when its room changes.

for (const holder of document.querySelectorAll(".charts")) {
  const board = DATA.boards[Number(holder.dataset.board)];
  for (const chart of [differences(board), costs(board), learning(board)].filter(Boolean)) {
    holder.append(chart.figure);
    let width = 0;
    new ResizeObserver(([entry]) => {
      const now = Math.round(entry.contentRect.width);
      if (now > 0 && now !== width) chart.draw((width = now));
    }).observe(chart.plot);
  }
}
